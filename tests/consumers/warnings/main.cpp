// SPDX-License-Identifier: MIT
#include <cstdio>
#include <typenet/typenet.hpp>
#include <vector>

namespace tn = typenet;

using classifier = tn::network<tn::input<1, 16, 16>,                                             //
                               tn::conv2d<6, 5>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>,  //
                               tn::flatten, tn::dropout<0.1>, tn::linear<84>, tn::tanh, tn::gaussian_rbf<10>>;

int main() {
  const tn::tensor_dataset<tn::shape{1, 16, 16}, 10> data{std::vector<float>(64 * 256), std::vector<int>(64)};
  tn::model<classifier> model{tn::seed{42}};
  tn::fit(model, data, tn::mse{}, tn::adam{.learning_rate = 3e-4, .weight_decay = 1e-4},
          {.epochs = 1, .batch_size = 32, .on_epoch = [](const tn::epoch_report& e) {
             std::printf("epoch %d: loss %.5f\n", e.epoch, e.loss);
             return tn::control::proceed;
           }});
  std::printf("%s", to_string(tn::evaluate(model, data, tn::mse{})).c_str());
}
