// SPDX-License-Identifier: MIT
// Measures the networks, losses and optimizers of the benchmarks in libtorch. The code is written for speed, as an experienced user would
// write it: no copies, no dispatch by name, one thread or all threads.
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../lenet5.hpp"
#include "../measure.hpp"

namespace benchmarks {
namespace {

using torch::Tensor;
namespace nn = torch::nn;
namespace F = torch::nn::functional;

Tensor scaled_tanh(const Tensor& x) { return torch::tanh(x * (2.0 / 3)) * 1.7159; }

/// `lenet5` of lenet5.hpp: batch norm and Gaussian outputs.
struct lenet5_module : nn::Module {
  nn::Conv2d conv1{nn::Conv2dOptions(1, 6, 5)}, conv2{nn::Conv2dOptions(6, 16, 5)};
  nn::BatchNorm2d norm1{6}, norm2{16};
  nn::Linear linear1{400, 120}, linear2{120, 84};
  Tensor centers;
  double dropped = 0.1;

  lenet5_module() {
    register_module("conv1", conv1);
    register_module("conv2", conv2);
    register_module("norm1", norm1);
    register_module("norm2", norm2);
    register_module("linear1", linear1);
    register_module("linear2", linear2);
    centers = register_parameter("centers", torch::randn({10, 84}) * 0.2);
  }
  Tensor forward(const Tensor& images) {
    Tensor x = torch::max_pool2d(torch::relu(norm1(conv1(images))), 2);
    x = torch::max_pool2d(torch::relu(norm2(conv2(x))), 2).flatten(1);
    if (dropped > 0) x = torch::dropout(x, dropped, is_training());
    x = torch::relu(linear2(torch::relu(linear1(x))));
    return torch::exp(torch::sum(torch::square(x.unsqueeze(1) - centers), -1) * -0.5);
  }
};

/// `branched` of lenet5.hpp.
struct branched_module : nn::Module {
  static nn::Conv2dOptions window(int inputs, int outputs) { return nn::Conv2dOptions(inputs, outputs, 3).padding(1); }
  nn::Conv2d conv1{window(3, 16)}, conv2{window(16, 16)}, conv3{window(16, 16)}, left{nn::Conv2dOptions(16, 16, 1)}, right{window(16, 16)},
      conv5{window(32, 32)};
  nn::BatchNorm2d norm1{16}, norm2{16}, norm3{16};
  nn::Linear linear{512, 10};

  branched_module() {
    int number = 0;
    for (const nn::Conv2d& one : {conv1, conv2, conv3, left, right, conv5}) register_module("conv" + std::to_string(++number), one);
    for (const nn::BatchNorm2d& one : {norm1, norm2, norm3}) register_module("norm" + std::to_string(++number), one);
    register_module("linear", linear);
  }
  Tensor forward(const Tensor& images) {
    Tensor x = torch::relu(norm1(conv1(images)));
    x = torch::max_pool2d(torch::relu(x + norm3(conv3(torch::relu(norm2(conv2(x)))))), 2);
    x = torch::max_pool2d(torch::relu(torch::cat({left(x), right(x)}, 1)), 2);
    return linear(torch::max_pool2d(torch::relu(conv5(x)), 2).flatten(1));
  }
};

/// `classic` of lenet5.hpp.
struct classic_module : nn::Module {
  nn::Conv2d conv1{nn::Conv2dOptions(1, 6, 5)}, conv2{nn::Conv2dOptions(6, 16, 5)}, conv3{nn::Conv2dOptions(16, 120, 5)};
  nn::Linear linear1{120, 84}, linear2{84, 10};

  classic_module() {
    register_module("conv1", conv1);
    register_module("conv2", conv2);
    register_module("conv3", conv3);
    register_module("linear1", linear1);
    register_module("linear2", linear2);
  }
  Tensor forward(const Tensor& images) {
    Tensor x = scaled_tanh(torch::avg_pool2d(scaled_tanh(conv1(images)), 2));
    x = scaled_tanh(torch::avg_pool2d(scaled_tanh(conv2(x)), 2));
    return linear2(scaled_tanh(linear1(scaled_tanh(conv3(x)).flatten(1))));
  }
};

/// The network of 1989. The maps of its second layer read three overlapping groups of the maps of the first layer.
struct network1989_module : nn::Module {
  Tensor weight1, bias1, weight2, bias2;
  nn::Linear linear1{192, 30}, linear2{30, 10};

  network1989_module() {
    weight1 = register_parameter("weight1", torch::randn({12, 1, 5, 5}) * 0.2);
    bias1 = register_parameter("bias1", torch::zeros({12, 8, 8}));
    weight2 = register_parameter("weight2", torch::randn({12, 8, 5, 5}) * 0.07);
    bias2 = register_parameter("bias2", torch::zeros({12, 4, 4}));
    register_module("linear1", linear1);
    register_module("linear2", linear2);
  }
  static Tensor bordered(const Tensor& x) { return torch::constant_pad_nd(x, {2, 2, 2, 2}, -1); }
  Tensor forward(const Tensor& images) {
    Tensor x = torch::tanh(torch::conv2d(bordered(images), weight1, {}, 2) + bias1);
    x = bordered(x);
    const auto part = [&](const Tensor& maps, int first) { return torch::conv2d(maps, weight2.slice(0, first, first + 4), {}, 2); };
    x = torch::cat({part(x.slice(1, 0, 8), 0), part(x.slice(1, 4, 12), 4), part(torch::cat({x.slice(1, 0, 4), x.slice(1, 8, 12)}, 1), 8)},
                   1);
    x = torch::tanh(x + bias2);
    return torch::tanh(linear2(torch::tanh(linear1(x.flatten(1)))));
  }
};

template <class Module, class Optimizer, class Options, class Loss>
void measure_step(const std::string& name, int batch, std::vector<std::int64_t> image, int threads, const effort& how,
                  const Options& options, const Loss& loss) {
  struct session {
    std::shared_ptr<Module> module = std::make_shared<Module>();
    Optimizer optimizer;
    std::vector<Tensor> images, labels;
    std::size_t next = 0;
    session(const Options& o) : optimizer{module->parameters(), o} {}
  };
  const auto shared = std::make_shared<std::unique_ptr<session>>();
  measure({.name = "libtorch: " + name, .samples = static_cast<double>(batch), .threads = threads}, how, [=](benchmark::State& state) {
    torch::set_num_threads(threads);
    if (*shared == nullptr) {
      torch::manual_seed(42);
      *shared = std::make_unique<session>(options);
      std::vector<std::int64_t> shape{batch};
      shape.insert(shape.end(), image.begin(), image.end());
      for (int i = 0; i < 8; ++i) {
        (*shared)->images.push_back(torch::rand(shape) * 2 - 1);
        (*shared)->labels.push_back(torch::arange(i, i + batch) % 10);
      }
      (*shared)->module->train();
    }
    session& s = **shared;
    for ([[maybe_unused]] const auto _ : state) {
      const std::size_t i = s.next++ % s.images.size();
      s.optimizer.zero_grad();
      Tensor value = loss(s.module->forward(s.images[i]), s.labels[i]);
      value.backward();
      s.optimizer.step();
      benchmark::DoNotOptimize(value.template item<float>());
    }
  });
}

void measure_prediction(const std::string& name, int batch, int threads, const effort& how) {
  const auto shared = std::make_shared<std::shared_ptr<lenet5_module>>();
  measure({.name = "libtorch: " + name, .samples = batch == 1 ? 0.0 : batch, .threads = threads}, how, [=](benchmark::State& state) {
    torch::set_num_threads(threads);
    const c10::InferenceMode guard;
    if (*shared == nullptr) {
      *shared = std::make_shared<lenet5_module>();
      (*shared)->eval();
    }
    const Tensor images = torch::rand({batch, 1, 32, 32}) * 2 - 1;
    for ([[maybe_unused]] const auto _ : state) benchmark::DoNotOptimize((*shared)->forward(images).data_ptr<float>());
  });
}

Tensor one_hot(const Tensor& labels, double on, double off) { return F::one_hot(labels, 10).to(torch::kFloat) * (on - off) + off; }

/// `lenet5` without dropout, because the two libraries draw different masks.
using undropped =
    typenet::network<typenet::input<1, 32, 32>,                                                             //
                     typenet::conv2d<6, 5>, typenet::batch_norm<>, typenet::relu, typenet::max_pool2d<2>,   //
                     typenet::conv2d<16, 5>, typenet::batch_norm<>, typenet::relu, typenet::max_pool2d<2>,  //
                     typenet::flatten, typenet::linear<120>, typenet::relu, typenet::linear<84>, typenet::relu, typenet::gaussian_rbf<10>>;

/// Compares the losses of typenet and libtorch step by step, with equal initial parameters and equal samples.
std::string compare_losses() {
  constexpr int batch = 32, steps = 200, inputs = undropped::input_shape.size();
  typenet::model<undropped> model{typenet::seed{42}};
  model.initialize({.centers = typenet::init::normal(0, 0.2)}, "13");
  typenet::trainer trainer{model, typenet::mse{}, typenet::adam{.learning_rate = 1e-3, .weight_decay = 1e-4},
                           typenet::fit_options{.batch_size = batch}};
  lenet5_module module;
  module.dropped = 0;
  module.train();
  {
    const torch::NoGradGuard guard;
    const std::vector<std::pair<const char*, Tensor>> same{
        {"0.weight", module.conv1->weight},    {"0.bias", module.conv1->bias},       {"4.weight", module.conv2->weight},
        {"4.bias", module.conv2->bias},        {"9.weight", module.linear1->weight}, {"9.bias", module.linear1->bias},
        {"11.weight", module.linear2->weight}, {"11.bias", module.linear2->bias},    {"13.centers", module.centers}};
    for (const auto& [name, tensor] : same) {
      const auto values = model.parameter(name);
      Tensor to = tensor;
      to.copy_(torch::from_blob(values.data(), {static_cast<std::int64_t>(values.size())}, torch::kFloat).view(tensor.sizes()));
    }
  }
  torch::optim::Adam optimizer{module.parameters(), torch::optim::AdamOptions(1e-3).weight_decay(1e-4)};
  // Ten patterns with noise, one per class.
  const std::vector<float> patterns = random_numbers(std::size_t{10} * inputs, 20);
  // Rounding differs, and training amplifies differences, so the losses diverge with the number of steps.
  constexpr int looks[] = {1, 10, 50, steps};
  std::string text = "Losses of typenet and libtorch from the same start on the same batches:";
  double apart = 0;
  for (int step = 1; step <= steps; ++step) {
    std::vector<float> samples = random_numbers(std::size_t{batch} * inputs, 100 + static_cast<std::uint32_t>(step));
    std::vector<int> labels(batch);
    for (int i = 0; i < batch; ++i) {
      labels[static_cast<std::size_t>(i)] = (i * 7 + step) % 10;
      for (int e = 0; e < inputs; ++e)
        samples[static_cast<std::size_t>(i * inputs + e)] += 0.3F * patterns[static_cast<std::size_t>((i * 7 + step) % 10 * inputs + e)];
    }
    optimizer.zero_grad();
    const Tensor images = torch::from_blob(samples.data(), {batch, 1, 32, 32}, torch::kFloat);
    const Tensor loss = F::mse_loss(module.forward(images), one_hot(torch::tensor(labels, torch::kLong), 1, 0));
    const double theirs = loss.item<double>();
    const double ours = trainer.step(std::span<const float>{samples}, std::span<const int>{labels});
    loss.backward();
    optimizer.step();
    apart = std::max(apart, std::abs(ours - theirs) / theirs);
    if (std::find(std::begin(looks), std::end(looks), step) == std::end(looks)) continue;
    char line[120];
    std::snprintf(line, sizeof line, "\n  step %3d: %.6f and %.6f (so far at most %.2g %% apart)", step, ours, theirs, 100 * apart);
    text += line;
  }
  return text;
}

void measure_libtorch(const effort& how) {
  for (const int threads : team_sizes()) {
    const std::string team = ", " + threads_text(threads);
    for (const int batch : {32, 256})
      measure_step<lenet5_module, torch::optim::Adam>("training step, batch " + std::to_string(batch) + team, batch, {1, 32, 32}, threads,
                                                      how, torch::optim::AdamOptions(3e-4).weight_decay(1e-4),
                                                      [](const Tensor& y, const Tensor& l) { return F::mse_loss(y, one_hot(l, 1, 0)); });
    measure_step<branched_module, torch::optim::Adam>("training step, batch 32, residual and concat on 3x32x32" + team, 32, {3, 32, 32},
                                                      threads, how, torch::optim::AdamOptions(3e-4).weight_decay(1e-4),
                                                      [](const Tensor& y, const Tensor& l) { return F::cross_entropy(y, l); });
    for (const int batch : {32, 1000}) measure_prediction("inference, batch " + std::to_string(batch) + team, batch, threads, how);
  }
  measure_step<classic_module, torch::optim::SGD>("training step, batch 1", 1, {1, 32, 32}, 1, how, torch::optim::SGDOptions(1e-3),
                                                  [](const Tensor& y, const Tensor& l) { return F::cross_entropy(y, l); });
  measure_step<network1989_module, torch::optim::SGD>("training step, batch 1, network of 1989", 1, {1, 16, 16}, 1, how,
                                                      torch::optim::SGDOptions(1e-3),
                                                      [](const Tensor& y, const Tensor& l) { return F::mse_loss(y, one_hot(l, 1, -1)); });
  measure_prediction("inference, one sample", 1, 1, how);
}

const registration here{"libtorch", measure_libtorch, compare_losses};

}  // namespace
}  // namespace benchmarks
