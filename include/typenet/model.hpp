// SPDX-License-Identifier: MIT
/// @file
/// A model: a network's parameters and buffers on a backend, and what it answers.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <typenet/backends/eigen.hpp>
#include <typenet/detail/program.hpp>
#include <typenet/error.hpp>
#include <typenet/initializers.hpp>
#include <typenet/network.hpp>

namespace typenet {

/// A network on a backend: `model<lenet5> m{seed{42}}` runs on the CPU in single precision.
///
/// Every number a model will ever need for inference is allocated when it is constructed. One model is used by one thread at a
/// time; copies are independent.
/// @tparam Network an instance of `network`
/// @tparam Backend `eigen_backend<Scalar>`; `cpu` is the one in `float`
template <network_type Network, class Backend = cpu>
class model {
 public:
  using network = Network;
  using backend = Backend;
  using scalar = typename Backend::scalar;
  static constexpr int inputs = Network::input_shape.size();
  static constexpr int outputs = Network::output_shape.size();
  /// What one sample is turned into.
  using output_type = std::array<scalar, static_cast<std::size_t>(outputs)>;

  /// Draws the parameters by PyTorch's defaults, or by a scheme of one's own.
  explicit model(typenet::seed s = {}, const init::scheme& scheme = {})
      : seed_{s},
        parameters_{Network::parameter_arena},
        buffers_{Network::buffer_arena},
        input_{index{inputs} * lanes},
        activations_{program::activations * lanes},
        scratch_{Network::scratch_size(lanes)} {
    initialize(scheme);
    for (const buffer_info& info : Network::buffers)
      for (scalar& value : tensor(buffers_, info)) value = static_cast<scalar>(info.spec.initial);
  }

  /// The seed that drew the parameters.
  [[nodiscard]] typenet::seed seed() const { return seed_; }

  /// Draws the parameters again: all of them, or those whose names start with `prefix` followed by a dot (or are `prefix`).
  /// @throws argument_error if no parameter is so named
  void initialize(const init::scheme& scheme, std::string_view prefix = {}) {
    const counter_rng rng{seed_, random_stream::initialization};
    bool found = false;
    std::uint32_t number = 0;
    for (const parameter_info& info : Network::parameters) {
      const std::uint32_t tensor_number = number++;
      if (!is_named(info.name, prefix)) continue;
      found = true;
      init::fill<scalar>(tensor(parameters_, info), scheme.rule_for(info.spec.role), init::fans{info.spec.fan_in, info.spec.fan_out}, rng,
                         tensor_number);
    }
    if (!found && !prefix.empty()) throw argument_error("no parameter is named '" + std::string{prefix} + "'; " + names());
  }

  /// One parameter by its name, such as "0.weight", in row-major order of the extents that `Network::parameters` gives.
  /// @throws argument_error if there is none of that name
  [[nodiscard]] std::span<scalar> parameter(std::string_view name) {
    for (const parameter_info& info : Network::parameters)
      if (info.name.view() == name) return tensor(parameters_, info);
    throw argument_error("no parameter is named '" + std::string{name} + "'; " + names());
  }
  [[nodiscard]] std::span<const scalar> parameter(std::string_view name) const { return const_cast<model*>(this)->parameter(name); }
  /// One buffer by its name, such as "1.running_mean".
  /// @throws argument_error if there is none of that name
  [[nodiscard]] std::span<scalar> buffer(std::string_view name) {
    for (const buffer_info& info : Network::buffers)
      if (info.name.view() == name) return tensor(buffers_, info);
    throw argument_error("no buffer is named '" + std::string{name} + "'; " + names());
  }
  [[nodiscard]] std::span<const scalar> buffer(std::string_view name) const { return const_cast<model*>(this)->buffer(name); }

  /// All parameters, each at its offset, the space between them zero; and all buffers.
  [[nodiscard]] std::span<scalar> parameter_arena() { return parameters_.span(); }
  [[nodiscard]] std::span<const scalar> parameter_arena() const { return parameters_.span(); }
  [[nodiscard]] std::span<scalar> buffer_arena() { return buffers_.span(); }
  [[nodiscard]] std::span<const scalar> buffer_arena() const { return buffers_.span(); }

  /// What the network answers for one sample, [channel][row][column]. Allocates nothing.
  /// @throws argument_error if the sample's size is not `inputs`
  output_type predict(std::span<const scalar> sample) {
    output_type answer;
    predict(sample, answer, 1);
    return answer;
  }

  /// What it answers for `count` samples, one after another in `samples`, written one after another to `answers`.
  /// Allocates nothing.
  /// @throws argument_error if the sizes do not fit `count`
  void predict(std::span<const scalar> samples, std::span<scalar> answers, index count) {
    expect("samples", static_cast<index>(samples.size()), count, inputs);
    expect("answers", static_cast<index>(answers.size()), count, outputs);
    for (index first = 0; first < count; first += lanes) {
      const int here = static_cast<int>(count - first < lanes ? count - first : index{lanes});
      detail::load_lanes<typename Backend::pack, lanes>(samples.data() + first * inputs, inputs, here, inputs, input_.data());
      run_group(here);
      read_group(here, answers.data() + first * outputs);
    }
  }

  /// The same for samples that are read one by one: `read(i, row)` fills a row of `inputs` numbers of type float.
  template <class Read>
  void predict_with(const Read& read, index first, int count, std::span<scalar> answers) {
    std::array<float, static_cast<std::size_t>(inputs)> row;
    for (int l = 0; l < lanes; ++l) {
      if (l < count) read(first + l, std::span<float>{row});
      for (int e = 0; e < inputs; ++e) input_.data()[index{e} * lanes + l] = static_cast<scalar>(row[static_cast<std::size_t>(e)]);
    }
    run_group(count);
    read_group(count, answers.data());
  }

  /// Samples that one pass serves.
  static constexpr int lanes = Backend::lanes;

 private:
  using program = detail::program<Network, scalar, lanes>;

  template <class Info>
  static std::span<scalar> tensor(typename Backend::array& arena, const Info& info) {
    return arena.span().subspan(static_cast<std::size_t>(info.offset), static_cast<std::size_t>(info.size()));
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
  void run_group(int count) {
    detail::batch_memory<scalar> memory;
    memory.input = input_.data();
    memory.activations = activations_.data();
    memory.parameters = parameters_.data();
    memory.buffers = buffers_.data();
    memory.scratch = scratch_.data();
    memory.capacity = lanes;
    Backend::run(1, [&](const auto& member) {
      typename Backend::execution run{batch_state{count, false}, member};
      program::forward(run, memory);
    });
  }
  void read_group(int count, scalar* answers) {
    detail::batch_memory<scalar> memory;
    memory.input = input_.data();
    memory.activations = activations_.data();
    const scalar* from = program::output(memory).base;
    for (int l = 0; l < count; ++l)
      for (int o = 0; o < outputs; ++o) answers[index{l} * outputs + o] = from[index{o} * lanes + l];
  }

  typenet::seed seed_;
  typename Backend::array parameters_;
  typename Backend::array buffers_;
  typename Backend::array input_;
  typename Backend::array activations_;
  typename Backend::array scratch_;
};

}  // namespace typenet
