// SPDX-License-Identifier: MIT
// The same networks, losses and optimizers by libtorch, measured in the same run. Each is written as its user would for speed: no copies,
// no dispatch by name, one thread or all.
#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "../lenet5.hpp"
#include "../measure.hpp"

namespace benchmarks {
namespace {

using torch::Tensor;
namespace nn = torch::nn;
namespace F = torch::nn::functional;

Tensor scaled_tanh(const Tensor& x) { return torch::tanh(x * (2.0 / 3)) * 1.7159; }

/// LeNet-5 with batch norm and Gaussian outputs.
struct lenet5_module : nn::Module {
  nn::Conv2d conv1{nn::Conv2dOptions(1, 6, 5)}, conv2{nn::Conv2dOptions(6, 16, 5)};
  nn::BatchNorm2d norm1{6}, norm2{16};
  nn::Linear linear1{400, 120}, linear2{120, 84};
  Tensor centers;

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
    x = torch::dropout(x, 0.1, is_training());
    x = torch::relu(linear2(torch::relu(linear1(x))));
    return torch::exp(torch::sum(torch::square(x.unsqueeze(1) - centers), -1) * -0.5);
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

/// The network of 1989: its second layer's maps see three overlapping parts of the first's.
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

}  // namespace

void measure_libtorch(const effort& how) {
  for (const int threads : team_sizes()) {
    const std::string team = ", " + threads_text(threads);
    for (const int batch : {32, 256})
      measure_step<lenet5_module, torch::optim::Adam>("training step, batch " + std::to_string(batch) + team, batch, {1, 32, 32}, threads,
                                                      how, torch::optim::AdamOptions(3e-4).weight_decay(1e-4),
                                                      [](const Tensor& y, const Tensor& l) { return F::mse_loss(y, one_hot(l, 1, 0)); });
    measure_prediction("inference, batch 1000" + team, 1000, threads, how);
  }
  measure_step<classic_module, torch::optim::SGD>("training step, batch 1", 1, {1, 32, 32}, 1, how, torch::optim::SGDOptions(1e-3),
                                                  [](const Tensor& y, const Tensor& l) { return F::cross_entropy(y, l); });
  measure_step<network1989_module, torch::optim::SGD>("training step, batch 1, network of 1989", 1, {1, 16, 16}, 1, how,
                                                      torch::optim::SGDOptions(1e-3),
                                                      [](const Tensor& y, const Tensor& l) { return F::mse_loss(y, one_hot(l, 1, -1)); });
  measure_prediction("inference, one sample", 1, 1, how);
}

}  // namespace benchmarks
