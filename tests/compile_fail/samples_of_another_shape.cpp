// SPDX-License-Identifier: MIT
// A data set whose sample shape differs from the input of the network.
//
// expect: typenet::data_error<typenet::needs::samples_of<1, 32, 32>, typenet::got<1, 28, 28> ?>
// expect[c++26]: typenet: the network takes samples of 1x32x32. the data set's are 1x28x28
#include <typenet/typenet.hpp>

namespace tn = typenet;

using network = tn::network<tn::input<1, 32, 32>, tn::flatten, tn::linear<10>>;

#ifdef TYPENET_ILL_FORMED
using data_set = tn::tensor_dataset<tn::shape{1, 28, 28}, 10>;
#else
using data_set = tn::tensor_dataset<tn::shape{1, 32, 32}, 10>;
#endif

void train(tn::model<network>& model, const data_set& data) { tn::fit(model, data, tn::mse{}, tn::adam{}); }
