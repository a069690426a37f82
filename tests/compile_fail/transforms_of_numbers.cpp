// SPDX-License-Identifier: MIT
// Image transforms of a data set whose samples are not bytes.
//
// expect: typenet::dataset_error<typenet::tensor_dataset<.*, typenet::needs::all_of_a_byte_image_dataset>
// expect[c++26]: typenet: tensor_dataset<.* needs all that the concept typenet::byte_image_dataset asks for
#include <typenet/data/image_dataset.hpp>
#include <typenet/data/tensor_dataset.hpp>
#include <typenet/data/transforms.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using images = tn::tensor_dataset<tn::shape{1, 8, 8}, 2>;
#else
using images = tn::image_dataset<tn::shape{1, 8, 8}, 2>;
#endif

tn::index prepare(const images& data) {
  const auto set = tn::transformed(data, tn::pad<9, 9>{}, tn::random_roll{1});
  return set.size();
}
