// SPDX-License-Identifier: MIT
// A loss for a network whose number of outputs differs from the number of classes.
//
// expect: typenet::loss_error<typenet::cross_entropy, typenet::needs::a_vector_of_scores<10>, typenet::got<84> ?>
// expect[c++26]: typenet: cross_entropy needs an output of one score for each of the 10 classes. the network's output is 84
#include <typenet/typenet.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4>, tn::linear<84>>;
#else
using network = tn::network<tn::input<4>, tn::linear<10>>;
#endif

void train(tn::model<network>& model, const tn::tensor_dataset<tn::shape{4}, 10>& data) {
  tn::fit(model, data, tn::cross_entropy{}, tn::adam{});
}
