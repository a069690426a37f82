// SPDX-License-Identifier: MIT
// A loss of score vectors for a network whose output is an image.
//
// expect: typenet::loss_error<typenet::mse, typenet::needs::a_vector_of_scores<10>, typenet::got<10, 2, 2> ?>
// expect[c++26]: typenet: mse needs an output of one score for each of the 10 classes. the network's output is 10x2x2
#include <typenet/typenet.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<1, 4, 4>, tn::conv2d<10, 3>>;
#else
using network = tn::network<tn::input<1, 4, 4>, tn::conv2d<10, 4>, tn::flatten>;
#endif

double score(tn::model<network>& model, const tn::tensor_dataset<tn::shape{1, 4, 4}, 10>& data) {
  return tn::evaluate(model, data, tn::mse{}).accuracy;
}
