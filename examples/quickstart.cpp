// SPDX-License-Identifier: MIT
#include <cstdio>
#include <exception>
#include <typenet/data.hpp>
#include <typenet/typenet.hpp>
namespace tn = typenet;

using lenet5 = tn::network<tn::input<1, 32, 32>,                                              //
                           tn::conv2d<6, 5>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>,   //
                           tn::conv2d<16, 5>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>,  //
                           tn::flatten, tn::dropout<0.1>,                                     //
                           tn::linear<120>, tn::relu, tn::linear<84>, tn::relu, tn::gaussian_rbf<10>>;

static_assert(lenet5::output_shape == tn::shape{10});
static_assert(lenet5::parameter_count == 61'740);

int main() try {
  const auto images = [](tn::mnist_split split) {
    return tn::transformed(tn::load_mnist(split), tn::resize<32, 32>{}, tn::normalize{0.1307f, 0.3081f});
  };
  const auto train = images(tn::mnist_split::train);
  const auto test = images(tn::mnist_split::test);

  tn::model<lenet5> model{tn::seed{42}};
  tn::fit(model, train, tn::mse{}, tn::adam{.learning_rate = 3e-4, .weight_decay = 1e-4},
          {.epochs = 5, .batch_size = 32, .on_epoch = [](const tn::epoch_report& e) {
             std::printf("epoch %d: loss %.5f, %.0f samples/s\n", e.epoch, e.loss, e.samples_per_second);
             return tn::control::proceed;
           }});
  std::printf("%s", to_string(tn::evaluate(model, test, tn::mse{})).c_str());
} catch (const std::exception& e) {
  std::fprintf(stderr, "quickstart: %s\n", e.what());
  return 1;
}
