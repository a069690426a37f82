// SPDX-License-Identifier: MIT
// Compares training steps of the Thrust backend with PyTorch: losses, gradients and optimizers.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "golden.hpp"
#include "support.hpp"

#include "penalties.hpp"

namespace tn = typenet;
using namespace on_thrust;

namespace {

using small = tn::network<tn::input<1, 8, 8>, tn::conv2d<3, 3, tn::bias<false>>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>, tn::flatten,
                          tn::linear<8>, tn::relu, tn::linear<4>>;

template <class Scalar>
std::vector<Scalar> converted(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

template <class Scalar, class Optimizer>
void check_run(const char* name, const Optimizer& optimizer) {
  const auto& training = golden::file().training;
  const auto& run = golden::run(name);
  tn::model<small, tn::thrust_backend<Scalar>> model;
  for (const auto& tensor : training.parameters) model.set_parameter(tensor.name, converted<Scalar>(tensor.values));
  tn::trainer trainer{model, tn::cross_entropy{}, optimizer, tn::fit_options{.batch_size = 5}};
  const golden::tolerance tolerance = sizeof(Scalar) == 8 ? golden::tolerance{1e-8, 1e-10} : golden::tolerance{2e-3, 2e-4};
  for (std::size_t i = 0; i < training.batches.size(); ++i) {
    const auto input = converted<Scalar>(training.batches[i].input);
    CHECK(golden::difference(trainer.step(std::span<const Scalar>{input}, std::span<const int>{training.batches[i].labels}), run.losses[i],
                             tolerance) == "");
  }
  CHECK(trainer.progress().updates == static_cast<tn::index>(training.batches.size()));
  for (const auto& tensor : run.parameters_after) CHECK(golden::difference(model.parameter(tensor.name), tensor.values, tolerance) == "");
  for (const auto& tensor : run.buffers_after) CHECK(golden::difference(model.buffer(tensor.name), tensor.values, tolerance) == "");
}

template <class Optimizer>
void check_runs(const char* name, const Optimizer& optimizer) {
  CAPTURE(std::string{name});
  check_run<double>(name, optimizer);
  check_run<float>(name, optimizer);
}

/// Computes the value and the gradient of a loss in one training step. The network returns its input: the weights of its layer are the
/// identity. Let g be the gradient of the loss at prediction x. The gradient of the bias is the sum of g over samples and pixels. The
/// gradient of the weights is the sum of the products of g and x.
template <class Scalar, class Net, class Loss>
void check_loss(const char* name, const Loss& loss) {
  CAPTURE(std::string{name});
  const golden::loss_case& expected = golden::loss(name);
  constexpr tn::shape shape = Net::output_shape;
  static_assert(Net::input_shape == shape);
  constexpr int channels = shape.channels(), pixels = shape.size() / channels;
  REQUIRE(expected.prediction.size() == static_cast<std::size_t>(expected.batch * shape.size()));
  tn::model<Net, tn::thrust_backend<Scalar>> model{tn::seed{}, {.weight = tn::init::zeros(), .bias = tn::init::zeros()}};
  std::vector<Scalar> identity(static_cast<std::size_t>(channels * channels));
  for (int c = 0; c < channels; ++c) identity[static_cast<std::size_t>(c * channels + c)] = 1;
  model.set_parameter("0.weight", identity);
  tn::trainer trainer{model, loss, tn::sgd{.learning_rate = 0}, tn::fit_options{.batch_size = 20}};
  const auto prediction = converted<Scalar>(expected.prediction), targets = converted<Scalar>(expected.targets);
  const double value = [&] {
    // Image outputs have dense targets only.
    if constexpr (Net::output_shape.rank == 1) {
      if (!expected.labels.empty()) return trainer.step(std::span<const Scalar>{prediction}, std::span<const int>{expected.labels});
    }
    return trainer.step(std::span<const Scalar>{prediction}, std::span<const Scalar>{targets});
  }();
  const auto tolerance = golden::tolerance_for<Scalar>;
  CHECK(golden::difference(value, expected.value, tolerance) == "");

  std::vector<double> of_weight(identity.size()), of_bias(static_cast<std::size_t>(channels));
  const auto at = [&](int sample, int channel, int pixel) {
    return static_cast<std::size_t>((sample * channels + channel) * pixels + pixel);
  };
  double largest = 0;
  for (int s = 0; s < expected.batch; ++s)
    for (int p = 0; p < pixels; ++p)
      for (int o = 0; o < channels; ++o) {
        const double g = expected.grad_prediction[at(s, o, p)];
        of_bias[static_cast<std::size_t>(o)] += g;
        for (int i = 0; i < channels; ++i) {
          const double product = g * expected.prediction[at(s, i, p)];
          of_weight[static_cast<std::size_t>(o * channels + i)] += product;
          largest = std::max(largest, std::abs(product));
        }
      }
  const auto gradients = copy_of(trainer.parameter_gradients());
  for (const auto& info : Net::parameters) {
    const auto first = gradients.begin() + info.offset;
    const golden::tolerance sums{tolerance.relative, tolerance.absolute * std::max(1.0, largest)};
    CHECK(golden::difference(std::vector<Scalar>(first, first + info.size()), info.name.view() == "0.weight" ? of_weight : of_bias, sums) ==
          "");
  }
}

template <int Classes, class... Then, class Loss>
void check_class_loss(const char* name, const Loss& loss) {
  using net = tn::network<tn::input<Classes>, tn::linear<Classes>, Then...>;
  check_loss<double, net>(name, loss);
  check_loss<float, net>(name, loss);
}

}  // namespace

TEST_CASE("every optimizer through Thrust, step by step as in PyTorch") {
  check_runs("adam", tn::adam{.learning_rate = 1e-2, .weight_decay = 1e-2});
  check_runs("adamw", tn::adamw{.learning_rate = 1e-2, .weight_decay = 1e-1});
  check_runs("sgd", tn::sgd{.learning_rate = 5e-2});
  check_runs("sgd_momentum", tn::sgd{.learning_rate = 1e-2, .momentum = 0.9});
  check_runs("sgd_nesterov", tn::sgd{.learning_rate = 1e-2, .momentum = 0.9, .nesterov = true, .weight_decay = 1e-2});
  check_runs("rmsprop", tn::rmsprop{.learning_rate = 1e-2});
  check_runs("rmsprop_momentum", tn::rmsprop{.learning_rate = 1e-3, .weight_decay = 1e-2, .momentum = 0.9});
}

TEST_CASE("mse through Thrust, as in PyTorch") {
  check_class_loss<4>("mse_labels", tn::mse{});
  check_class_loss<10>("mse_labels_batch_17", tn::mse{});
  check_class_loss<6>("mse_dense", tn::mse{});
  using images = tn::network<tn::input<2, 3, 4>, tn::conv2d<2, 1>>;
  check_loss<double, images>("mse_dense_images", tn::mse{});
  check_loss<float, images>("mse_dense_images", tn::mse{});
}

TEST_CASE("cross_entropy through Thrust, as in PyTorch") {
  check_class_loss<4>("cross_entropy", tn::cross_entropy{});
  check_class_loss<10>("cross_entropy_batch_17", tn::cross_entropy{});
  check_class_loss<3>("cross_entropy_large_logits", tn::cross_entropy{});
  const tn::cross_entropy smoothed{.label_smoothing = 0.1};
  check_class_loss<4>("cross_entropy_smoothed", smoothed);
  check_class_loss<10>("cross_entropy_smoothed_batch_17", smoothed);
  check_class_loss<3>("cross_entropy_smoothed_large_logits", smoothed);
}

TEST_CASE("rbf_mse and rbf_map through Thrust, as in PyTorch") {
  using penalties::as_penalties;
  check_class_loss<4, as_penalties>("rbf_mse", tn::rbf_mse{});
  check_class_loss<10, as_penalties>("rbf_mse_batch_17", tn::rbf_mse{});
  check_class_loss<4, as_penalties>("rbf_map", tn::rbf_map{});
  check_class_loss<10, as_penalties>("rbf_map_batch_17", tn::rbf_map{.j = 3});
  check_class_loss<3, as_penalties>("rbf_map_large_penalties", tn::rbf_map{.j = 20});
}

TEST_CASE("steps through Thrust on dense targets come close to them") {
  using net = tn::network<tn::input<3>, tn::linear<8>, tn::tanh, tn::linear<2>>;
  tn::model<net, tn::thrust_backend<double>> model{tn::seed{1}};
  tn::trainer trainer{model, tn::mse{}, tn::adam{.learning_rate = 2e-2}, tn::fit_options{.batch_size = 40}};
  const auto x = numbers(40 * 3, 1);
  std::vector<double> y;
  for (std::size_t i = 0; i < 40; ++i) {
    y.push_back(x[3 * i] - x[3 * i + 1]);
    y.push_back(0.5 * x[3 * i + 2]);
  }
  const double first = trainer.step(std::span<const double>{x}, std::span<const double>{y});
  double last = first;
  for (int i = 0; i < 400; ++i) last = trainer.step(std::span<const double>{x}, std::span<const double>{y});
  CHECK(last < 0.01 * first);
}

TEST_CASE("steps through Thrust on data at hand drop anew each time") {
  using net = tn::network<tn::input<64>, tn::dropout<0.5>, tn::linear<4>>;
  tn::model<net, tn::gpu> model{tn::seed{3}};
  tn::trainer trainer{model, tn::cross_entropy{}, tn::sgd{.learning_rate = 0}, tn::fit_options{.batch_size = 1}};
  const std::vector<float> sample(64, 1.0f);
  const std::vector<int> label{1};
  const double first = trainer.step(std::span<const float>{sample}, std::span<const int>{label});
  CHECK(trainer.step(std::span<const float>{sample}, std::span<const int>{label}) != first);

  tn::model<net, tn::gpu> again{tn::seed{3}};
  tn::trainer same{again, tn::cross_entropy{}, tn::sgd{.learning_rate = 0}, tn::fit_options{.batch_size = 1}};
  CHECK(same.step(std::span<const float>{sample}, std::span<const int>{label}) == first);
}
