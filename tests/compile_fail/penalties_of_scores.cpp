// SPDX-License-Identifier: MIT
// A loss of penalties for a network whose outputs are scores.
//
// expect: typenet::loss_error<typenet::rbf_mse, typenet::needs::an_output_of_penalties, typenet::got<10> ?>
// expect[c++26]: typenet: rbf_mse needs an output of penalties. the network's last layer makes scores, the highest the best. the network's output is 10
#include <typenet/typenet.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4>, tn::linear<84>, tn::linear<10>>;
#else
using network = tn::network<tn::input<4>, tn::linear<84>, tn::euclidean_rbf<tn::lenet5_codes>>;
#endif

void train(tn::model<network>& model, const tn::tensor_dataset<tn::shape{4}, 10>& data) { tn::fit(model, data, tn::rbf_mse{}, tn::sgd{}); }
