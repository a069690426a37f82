// SPDX-License-Identifier: MIT
// An optimizer that needs second derivatives, and a layer without second derivatives.
//
// expect: typenet::optimizer_error<typenet::stochastic_diagonal_lm, typenet::softmax, typenet::needs::second_derivatives ?>
// expect[c++26]: typenet: stochastic_diagonal_lm needs softmax to have second derivatives
#include <typenet/typenet.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<1, 4, 4>, tn::conv2d<2, 3>, tn::tanh, tn::flatten, tn::linear<10>, tn::softmax>;
#else
using network = tn::network<tn::input<1, 4, 4>, tn::conv2d<2, 3>, tn::tanh, tn::flatten, tn::linear<10>>;
#endif

void train(tn::model<network>& model, const tn::tensor_dataset<tn::shape{1, 4, 4}, 10>& data) {
  tn::fit(model, data, tn::mse{}, tn::stochastic_diagonal_lm{});
}
