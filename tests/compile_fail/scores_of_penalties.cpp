// SPDX-License-Identifier: MIT
// A loss of scores for a network whose outputs are penalties.
//
// expect: typenet::loss_error<typenet::cross_entropy, typenet::needs::an_output_of_scores, typenet::got<10> ?>
// expect[c++26]: typenet: cross_entropy needs an output of scores. the network's last layer makes penalties, the lowest the best. the network's output is 10
#include <typenet/typenet.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4>, tn::linear<84>, tn::euclidean_rbf<tn::lenet5_codes>>;
#else
using network = tn::network<tn::input<4>, tn::linear<84>, tn::linear<10>>;
#endif

void train(tn::model<network>& model, const tn::tensor_dataset<tn::shape{4}, 10>& data) {
  tn::fit(model, data, tn::cross_entropy{}, tn::sgd{});
}
