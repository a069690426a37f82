// SPDX-License-Identifier: MIT
#include <cstdio>
#include <typenet/data.hpp>
#include <typenet/typenet.hpp>
namespace tn = typenet;

using lenet5 = tn::network<tn::input<1, 32, 32>,                                              // channels x height x width
                           tn::conv2d<6, 5>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>,   // 6 x 14 x 14
                           tn::conv2d<16, 5>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>,  // 16 x 5 x 5
                           tn::flatten, tn::dropout<0.1>, tn::linear<120>, tn::relu, tn::linear<84>, tn::relu, tn::linear<10>>;
static_assert(lenet5::output_shape == tn::shape{10});
static_assert(lenet5::parameter_count == 61'750);

int main() {
  const auto digits = [](tn::mnist_split split) {
    return tn::transformed(tn::load_mnist(split), tn::resize<32, 32>{}, tn::normalize{0.1307f, 0.3081f});
  };
  tn::model<lenet5> model{tn::seed{42}};
  tn::fit(model, digits(tn::mnist_split::train), tn::cross_entropy{}, tn::adam{.learning_rate = 1e-3}, {.epochs = 5, .batch_size = 32});
  const tn::report result = tn::evaluate(model, digits(tn::mnist_split::test));
  std::printf("%.2f %% of the test digits are right\n", 100 * result.accuracy);
}
