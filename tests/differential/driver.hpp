// SPDX-License-Identifier: MIT
// Runs a network of generate.py on a backend and records what it computes, for run.py to compare with PyTorch.
#pragma once

#ifdef TYPENET_DIFFERENTIAL_THRUST
#include <typenet/thrust.hpp>
#else
#include <typenet/typenet.hpp>
#endif

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <typenet/io.hpp>

#include "network_runner.hpp"

namespace differential {

namespace tn = typenet;

/// The files of one network on one backend. Arrays are `[sample][channel][row][column]`, in double precision.
class files {
 public:
  files(const std::filesystem::path& folder, const std::string& network, const std::string& backend)
      : weights{folder / (network + ".weights.safetensors")},
        trained{folder / (network + "." + backend + ".weights.safetensors")},
        results_{folder / (network + "." + backend + ".results.safetensors")},
        inputs_{folder / (network + ".inputs.safetensors")} {}

  const std::filesystem::path weights;  ///< PyTorch's `state_dict` before the first step
  const std::filesystem::path trained;  ///< receives the weights after the last step

  [[nodiscard]] bool has(const std::string& name) const { return inputs_.find(name) != nullptr; }
  /// An array of the inputs, converted to `T`.
  template <class T>
  std::vector<T> input(const std::string& name) {
    const std::vector<double> values = inputs_.read<double>(name);
    std::vector<T> converted(values.size());
    std::transform(values.begin(), values.end(), converted.begin(), [](double v) { return static_cast<T>(v); });
    return converted;
  }
  /// Records an array under a name, `kind/tensor`.
  template <class Values>
  void record(const std::string& name, const Values& values) {
    recorded_.emplace_back(name, std::vector<double>(values.begin(), values.end()));
  }
  /// Writes what has been recorded.
  void write() const {
    tn::safetensors_writer out;
    for (const auto& [name, values] : recorded_) out.add(name, {values.size()}, std::span<const double>{values});
    out.write(results_);
  }

 private:
  std::filesystem::path results_;
  tn::safetensors_reader inputs_;
  std::vector<std::pair<std::string, std::vector<double>>> recorded_;
};

/// Records every parameter or buffer under `kind` and its name.
/// @param values gives the numbers of one of them
template <class Infos, class Values>
void record_each(files& io, const std::string& kind, const Infos& infos, const Values& values) {
  for (const auto& info : infos) io.record(kind + "/" + std::string{info.name.view()}, values(info));
}

/// Records the predictions of the samples for evaluation.
template <class Model>
void record_predictions(files& io, const std::string& kind, Model& model) {
  using scalar = typename Model::scalar;
  const auto samples = io.input<scalar>("evaluation");
  const auto count = static_cast<tn::index>(samples.size()) / Model::inputs;
  std::vector<scalar> outputs(static_cast<std::size_t>(count * Model::outputs));
  model.predict(std::span<const scalar>{samples}, std::span<scalar>{outputs}, count);
  io.record(kind + "/", outputs);
}

/// Records one pass forward and backward in training mode, from PyTorch's gradient of the output.
template <class Model>
void record_pass(files& io, const Model& model) {
  using network = typename Model::network;
  const auto samples = io.input<double>("samples/0");
  const int count = static_cast<int>(samples.size()) / network::input_shape.size();
  testing::network_runner<network, typename Model::backend> runner{count};
  const auto as_double = [](const auto& values) { return std::vector<double>(values.begin(), values.end()); };
  std::size_t number = 0;
  for (const auto& info : network::parameters) runner.set_parameter(number++, as_double(model.parameter(info.name)));
  number = 0;
  for (const auto& info : network::buffers) runner.set_buffer(number++, as_double(model.buffer(info.name)));
  io.record("outputs, training/", runner.forward(samples, count));
  io.record("gradient of the input/", runner.backward(io.input<double>("output gradient")));
}

/// Runs a network on a backend: predictions, a pass in training mode, training steps, and predictions with the weights that they leave.
/// @tparam Target what the loss compares an output with: `int` for a class, the backend's scalar for a number of each output
template <class Network, class Backend, class Target, class Loss, class Optimizer>
void run(files& io, const Loss& loss, const Optimizer& optimizer) {
  using scalar = typename Backend::scalar;
  tn::model<Network, Backend> model;
  tn::load_weights(io.weights, model);
  record_predictions(io, "outputs, evaluation", model);
  if (io.has("samples/0")) {
    record_pass(io, model);
    tn::trainer trainer{model, loss, optimizer, {.batch_size = 40, .threads = 1}};
    std::vector<double> losses;
    for (std::size_t step = 0; io.has("samples/" + std::to_string(step)); ++step) {
      const auto samples = io.input<scalar>("samples/" + std::to_string(step));
      const auto targets = io.input<Target>("targets/" + std::to_string(step));
      losses.push_back(trainer.step(std::span<const scalar>{samples}, std::span<const Target>{targets}));
      if (step == 0) {
        std::vector<scalar> gradients(static_cast<std::size_t>(Network::parameter_arena));
        trainer.parameter_gradients().copy_to(gradients);
        record_each(io, "gradients", Network::parameters, [&](const auto& info) {
          return std::span{gradients}.subspan(static_cast<std::size_t>(info.offset), static_cast<std::size_t>(info.size()));
        });
      }
    }
    io.record("losses/", losses);
    record_predictions(io, "outputs after the steps", model);
    record_each(io, "parameters after the steps", Network::parameters, [&](const auto& info) { return model.parameter(info.name); });
    record_each(io, "buffers after the steps", Network::buffers, [&](const auto& info) { return model.buffer(info.name); });
  }
  tn::save_weights(io.trained, model);
  io.write();
}

/// Calls `task` with the files of a network on a backend. Prints an exception.
/// @returns true where there was none
template <class Task>
bool attempt(const char* folder, const char* network, const char* backend, const Task& task) {
  try {
    files io{folder, network, backend};
    task(io);
    return true;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "seed %s on %s: %s\n", network, backend, e.what());
    return false;
  }
}

}  // namespace differential
