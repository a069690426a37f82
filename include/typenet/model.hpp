// SPDX-License-Identifier: MIT
/// @file
/// model: the parameters and buffers of a network on a backend, and its predictions.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <typenet/backends/backend.hpp>
#include <typenet/backends/batch_state.hpp>
#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/core/random.hpp>
#include <typenet/core/sole_use.hpp>
#include <typenet/layer/initializers.hpp>
#include <typenet/network.hpp>
#include <typenet/runtime/batch_memory.hpp>
#include <typenet/runtime/executor.hpp>
#include <typenet/runtime/inference_pass.hpp>
#include <typenet/simd/lane_view.hpp>

namespace typenet {

/// A network on a backend: `model<lenet5> m{seed{42}}` runs on the CPU in single precision.
///
/// The constructor allocates the memory that one thread needs for inference. One thread at a time may use a model; copies are independent.
/// @tparam Network an instance of `network`
/// @tparam Backend a type that models the concept `backend`, such as `cpu`, which is `eigen_backend<float>`
template <network_type Network, class Backend>
class model {
  using check_of_backend = decltype(detail::check_backend<Backend>());

 public:
  using network = Network;
  using backend = detail::usable_backend<Backend>;
  using scalar = typename backend::scalar;
  using array = typename backend::array;
  /// Numbers of one sample.
  static constexpr int inputs = Network::input_shape.size();
  /// Numbers of one prediction.
  static constexpr int outputs = Network::output_shape.size();
  /// The prediction for one sample, `[channel][row][column]`.
  using output_type = std::array<scalar, static_cast<std::size_t>(outputs)>;

  /// Draws the parameters.
  /// @param s the seed of the random numbers
  /// @param scheme the distributions; PyTorch's defaults unless given
  explicit model(typenet::seed s = {}, const init::scheme& scheme = {})
      : seed_{s},
        parameters_{Network::parameter_arena},
        buffers_{Network::buffer_arena},
        layout_converter_{batch, inputs > outputs ? inputs : outputs} {
    initialize(scheme);
    for (const buffer_info& info : Network::buffers)
      write(buffers_, info, std::vector<scalar>(static_cast<std::size_t>(info.size()), static_cast<scalar>(info.spec.initial)));
  }

  /// The seed that drew the parameters.
  [[nodiscard]] typenet::seed seed() const { return seed_; }

  /// Draws parameters again.
  /// @param prefix selects the parameters of this name, and those whose name starts with it and a dot; empty selects all
  /// @throws argument_error if `prefix` is not empty and selects none
  void initialize(const init::scheme& scheme, std::string_view prefix = {}) {
    const counter_rng rng{seed_, random_stream::initialization};
    bool found = false;
    std::uint32_t number = 0;
    for (const parameter_info& info : Network::parameters) {
      const std::uint32_t tensor_number = number++;
      if (!is_named(info.name, prefix)) continue;
      found = true;
      std::vector<scalar> values(static_cast<std::size_t>(info.size()));
      init::fill<scalar>(values, scheme.rule_for(info.spec.role), init::fans{info.spec.fan_in, info.spec.fan_out}, rng, tensor_number);
      write(parameters_, info, values);
    }
    if (!found && !prefix.empty()) throw argument_error("no parameter is named '" + std::string{prefix} + "'; " + names());
  }

  /// Returns one parameter by its name, such as "0.weight", in row-major order of the extents in `Network::parameters`. It is a `std::span`
  /// of the numbers where `backend::host_memory`, otherwise a `std::vector` with a copy.
  /// @throws argument_error if no parameter has that name
  [[nodiscard]] decltype(auto) parameter(std::string_view name) { return read(*this, parameters_, info_of(Network::parameters, name)); }
  [[nodiscard]] decltype(auto) parameter(std::string_view name) const {
    return read(*this, parameters_, info_of(Network::parameters, name));
  }
  /// Returns one buffer by its name, such as "1.running_mean", in row-major order of the extents in `Network::buffers`. It is a `std::span`
  /// of the numbers where `backend::host_memory`, otherwise a `std::vector` with a copy.
  /// @throws argument_error if no buffer has that name
  [[nodiscard]] decltype(auto) buffer(std::string_view name) { return read(*this, buffers_, info_of(Network::buffers, name)); }
  [[nodiscard]] decltype(auto) buffer(std::string_view name) const { return read(*this, buffers_, info_of(Network::buffers, name)); }

  /// Replaces the numbers of a parameter.
  /// @param values in row-major order of the extents in `Network::parameters`
  /// @throws argument_error if no parameter has that name, or it has another size
  void set_parameter(std::string_view name, std::span<const scalar> values) {
    write(parameters_, info_of(Network::parameters, name), values);
  }
  /// Replaces the numbers of a buffer.
  /// @param values in row-major order of the extents in `Network::buffers`
  /// @throws argument_error if no buffer has that name, or it has another size
  void set_buffer(std::string_view name, std::span<const scalar> values) { write(buffers_, info_of(Network::buffers, name), values); }

  /// The name of the first parameter, or else buffer, that holds a number which is not finite; empty where all numbers are finite.
  [[nodiscard]] std::string_view first_non_finite() const {
    const auto first_of = [&](const array& arena, const auto& infos) -> std::string_view {
      for (const auto& info : infos)
        for (const scalar value : read(*this, arena, info))
          if (!std::isfinite(value)) return info.name.view();
      return {};
    };
    const std::string_view parameter = first_of(parameters_, Network::parameters);
    return parameter.empty() ? first_of(buffers_, Network::buffers) : parameter;
  }

  /// The arena of all parameters in the backend's memory. Each parameter lies at the offset that `Network::parameters` gives; numbers
  /// between parameters are zero.
  [[nodiscard]] array& parameter_array() { return parameters_; }
  [[nodiscard]] const array& parameter_array() const { return parameters_; }
  /// The arena of all buffers in the backend's memory, each at the offset that `Network::buffers` gives.
  [[nodiscard]] array& buffer_array() { return buffers_; }
  [[nodiscard]] const array& buffer_array() const { return buffers_; }

  /// Predicts one sample. Allocates nothing.
  /// @param sample `[channel][row][column]`, `inputs` numbers
  /// @returns the output, `[channel][row][column]`, `outputs` numbers
  /// @throws argument_error if the sample has another size
  /// @throws usage_error if another thread is in `predict` of this model
  output_type predict(std::span<const scalar> sample) {
    output_type answer;
    predict(sample, answer, 1);
    return answer;
  }

  /// Predicts `count` samples. The bits of a prediction depend neither on the other samples nor on the number of threads. The first call
  /// that uses more threads allocates their memory; other calls allocate nothing.
  /// @param samples `[sample][channel][row][column]`, `count * inputs` numbers
  /// @param answers receives the outputs, `[sample][channel][row][column]`, `count * outputs` numbers
  /// @throws argument_error if the sizes do not fit `count`, or `count` is less than 1
  /// @throws usage_error if another thread is in `predict` of this model
  void predict(std::span<const scalar> samples, std::span<scalar> answers, index count) {
    const detail::sole_use sole{is_used_, "predict", "give each thread a copy of the model"};
    expect("samples", static_cast<index>(samples.size()), count, inputs);
    expect("answers", static_cast<index>(answers.size()), count, outputs);
    const index passes = detail::ceil_div(count, batch);
    const auto one = [&](index number, int worker) {
      const index first = number * batch, here = count - first < batch ? count - first : batch;
      workspace& mine = workspaces_[static_cast<std::size_t>(worker)];
      layout_converter_.to_lanes(stream_, samples.subspan(static_cast<std::size_t>(first * inputs)), here, inputs, mine.input.data());
      const auto memory = memory_of(mine);
      pass(here, memory);
      layout_converter_.to_rows(stream_, executor_type::output(memory), here, outputs,
                                answers.subspan(static_cast<std::size_t>(first * outputs)));
    };
    if constexpr (requires { stream_.parallel_for(passes, 1, one); }) {
      const int workers = workers_for(passes);
      while (static_cast<int>(workspaces_.size()) < workers) workspaces_.emplace_back();
      stream_.parallel_for(passes, workers, one);
    } else {
      for (index number = 0; number < passes; ++number) one(number, 0);
    }
  }
  /// Sets the number of threads that `predict` may use for many samples. 0, the default, means as many as the machine offers, where they
  /// pay.
  /// @throws argument_error if `threads` is negative or above `most_threads`
  void set_threads(int threads) {
    if (const int most = most_threads(backend::max_threads()); threads < 0 || threads > most)
      throw argument_error("set_threads: expected 0 (as many as pay) to " + std::to_string(most) + " threads, got " +
                           std::to_string(threads));
    threads_ = threads;
  }

  /// Samples side by side in storage.
  static constexpr int lanes = backend::lanes;
  /// Samples that one pass predicts at most.
  static constexpr index batch = backend::inference_samples;

  /// The queue that runs the work of this model in order.
  [[nodiscard]] typename backend::stream& stream() { return stream_; }
  /// Runs the network on samples in the backend's memory. On a device it does not wait for the result.
  /// @param count samples, from 1 to `batch`
  /// @param input `[group][element][lane]`, aligned to the pack; null for the model's own memory
  /// @returns the outputs, `[group][element][lane]`, valid when the stream has done the work
  lane_view<const scalar, lanes> infer(index count, const scalar* input = nullptr) {
    const auto memory = inference_memory(input);
    pass(count, memory);
    return executor_type::output(memory);
  }
  /// The memory of a pass of up to `batch` samples.
  /// @param input `[group][element][lane]`, aligned to the pack; null for the model's own memory
  [[nodiscard]] detail::batch_memory<scalar> inference_memory(const scalar* input = nullptr) {
    detail::batch_memory<scalar> memory = memory_of(workspaces_.front());
    if (input != nullptr) memory.input = input;
    return memory;
  }

 private:
  using executor_type = detail::executor_for<Network, backend>;

  /// The memory of one thread for a pass.
  struct workspace {
    array input{index{inputs} * batch};
    array activations{executor_type::activations * batch};
    array scratch{executor_type::scratch_size(batch)};
  };
  detail::batch_memory<scalar> memory_of(workspace& mine) {
    detail::batch_memory<scalar> memory;
    memory.input = mine.input.data();
    memory.activations = mine.activations.data();
    memory.parameters = parameters_.data();
    memory.buffers = buffers_.data();
    memory.scratch = mine.scratch.data();
    memory.capacity = batch;
    return memory;
  }
  void pass(index count, const detail::batch_memory<scalar>& memory);
  /// Threads for a number of passes. Another thread pays where it gets as many multiply-adds as are done in the time that waking it takes.
  [[nodiscard]] int workers_for(index passes) const {
    constexpr double worthwhile = 4e6;
    const double work = static_cast<double>(passes) * static_cast<double>(batch) * static_cast<double>(Network::macs);
    const double most =
        std::min(static_cast<double>(passes), threads_ > 0 ? threads_ : std::min<double>(backend::max_threads(), work / worthwhile));
    return most > 1 ? static_cast<int>(most) : 1;
  }

  template <class Infos>
  static const auto& info_of(const Infos& infos, std::string_view name) {
    for (const auto& info : infos)
      if (info.name.view() == name) return info;
    throw argument_error("no " + std::string{std::is_same_v<std::decay_t<decltype(infos[0])>, parameter_info> ? "parameter" : "buffer"} +
                         " is named '" + std::string{name} + "'; " + names());
  }
  /// A span of the tensor, or a constant copy, which a program cannot write by mistake.
  template <class Self, class Array, class Info>
  static decltype(auto) read(Self&, Array& arena, const Info& info) {
    const auto offset = static_cast<std::size_t>(info.offset), size = static_cast<std::size_t>(info.size());
    if constexpr (backend::host_memory) {
      if constexpr (std::is_const_v<Self>)
        return std::span<const scalar>{arena.data(), static_cast<std::size_t>(arena.size())}.subspan(offset, size);
      else
        return std::span<scalar>{arena.data(), static_cast<std::size_t>(arena.size())}.subspan(offset, size);
    } else {
      return device_copy(arena, info);
    }
  }
  template <class Info>
  static const std::vector<scalar> device_copy(const array& arena, const Info& info) {
    std::vector<scalar> values(static_cast<std::size_t>(info.size()));
    arena.copy_to(values, info.offset);
    return values;
  }
  template <class Info>
  static void write(array& arena, const Info& info, std::span<const scalar> values) {
    if (static_cast<index>(values.size()) != info.size())
      throw argument_error(std::string{info.name.view()} + " has " + std::to_string(info.size()) + " numbers, got " +
                           std::to_string(values.size()));
    arena.copy_from(values, info.offset);
  }
  static bool is_named(std::string_view name, std::string_view prefix) {
    return prefix.empty() || name == prefix || (name.starts_with(prefix) && name[prefix.size()] == '.');
  }
  static std::string names() {
    std::string all = "there are";
    for (const parameter_info& info : Network::parameters) all.append(" ").append(info.name.view());
    for (const buffer_info& info : Network::buffers) all.append(" ").append(info.name.view());
    return all;
  }
  static void expect(const char* what, index size, index count, index each) {
    if (count < 1 || size != count * each)
      throw argument_error("predict: expected " + std::to_string(count < 1 ? each : count * each) + " numbers of " + what + " (" +
                           std::to_string(count) + " x " + std::to_string(each) + "), got " + std::to_string(size));
  }

  typenet::seed seed_;
  array parameters_;
  array buffers_;
  int threads_ = 0;
  detail::use_flag is_used_;
  std::vector<workspace> workspaces_ = std::vector<workspace>(1);
  typename backend::layout_converter layout_converter_;
  typename backend::stream stream_;
};

// It is defined outside of the class. Inside it would be inline, and each file that uses it would compile it again, in spite of an
// `extern template`.
template <network_type Network, class Backend>
void model<Network, Backend>::pass(index count, const detail::batch_memory<scalar>& memory) {
  stream_.run(1, batch_state{count, false},
              detail::inference_pass<detail::compiled_for<Network, backend>, detail::layout_of<backend>>{memory});
}

}  // namespace typenet
