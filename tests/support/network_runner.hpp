// SPDX-License-Identifier: MIT
// Runs a network forward and backward on any backend. Inputs, outputs and gradients are `[sample][channel][row][column]`, as in PyTorch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <typenet/backends/batch_state.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/random.hpp>
#include <typenet/declarative.hpp>
#include <typenet/graph/schedule.hpp>
#include <typenet/runtime/batch_memory.hpp>
#include <typenet/runtime/executor.hpp>
#include <typenet/runtime/grouped_executor.hpp>

namespace testing {

/// A forward pass as a task of a stream.
template <class Executor, class Scalar>
struct forward_pass {
  typenet::detail::batch_memory<Scalar> memory;
  TYPENET_ANY_SIDE
  template <class Exec>
  TYPENET_HD void operator()(Exec& exec) const {
    Executor::forward(exec, memory);
  }
};
/// A backward pass as a task of a stream.
template <class Executor, class Scalar>
struct backward_pass {
  typenet::detail::batch_memory<Scalar> memory;
  TYPENET_ANY_SIDE
  template <class Exec>
  TYPENET_HD void operator()(Exec& exec) const {
    Executor::template backward<true>(exec, memory);
  }
};

/// A training step by lane groups without the update, as a task of a stream. The caller has written the gradient of the output.
template <class Executor, class Scalar>
struct grouped_pass {
  typenet::detail::batch_memory<Scalar> memory;
  template <class Exec>
  void operator()(Exec& exec) const {
    Executor::train(exec, memory, [](Exec&, const auto&, const auto&, typenet::index) {});
  }
};

/// Runs a network in its own memory. All memory that kernels write is filled with NaN at first.
/// @tparam InPlace true if layers may overwrite their input
/// @tparam Compiled the compiled network: by default the one that the backend runs, or `Network::unfused`
template <class Network, class Backend, bool InPlace = true, class Compiled = typenet::detail::compiled_for<Network, Backend>>
class network_runner {
 public:
  using scalar = typename Backend::scalar;
  using array = typename Backend::array;
  static constexpr int lanes = Backend::lanes;
  using executor_type = typenet::detail::executor<Compiled, typenet::detail::layout_of<Backend>, InPlace>;

  /// @param capacity the number of samples of the largest batch
  explicit network_runner(int capacity)
      : capacity_{Network::padded_batch(capacity, lanes)},
        input_{capacity_ * Network::input_shape.size()},
        input_gradient_{capacity_ * Network::input_shape.size()},
        activations_{capacity_ * executor_type::activations},
        gradients_{capacity_ * executor_type::gradients},
        parameters_{Network::parameter_arena},
        parameter_gradients_{Network::parameter_arena},
        group_sums_{capacity_ / lanes * typenet::detail::group_plan<Compiled>::sums},
        buffers_{Network::buffer_arena},
        scratch_{executor_type::scratch_size(capacity_)},
        keys_{1},
        samples_{capacity_} {
    set_first_sample(0);
    set_seed(typenet::seed{7});
    // Initially NaN, so that a number without a write fails the test.
    for (array* a : {&input_gradient_, &activations_, &gradients_, &parameter_gradients_, &group_sums_, &scratch_})
      a->copy_from(std::vector<scalar>(static_cast<std::size_t>(a->size()), std::numeric_limits<scalar>::quiet_NaN()));
    std::size_t number = 0;
    for (const auto& info : Network::buffers)
      set_buffer(number++, std::vector<double>(static_cast<std::size_t>(info.size()), info.spec.initial));
  }

  void set_parameter(std::size_t which, const std::vector<double>& values) { copy_to(parameters_, Network::parameters[which], values); }
  void set_buffer(std::size_t which, const std::vector<double>& values) { copy_to(buffers_, Network::buffers[which], values); }
  std::vector<double> parameter(std::size_t which) const { return copy_of(parameters_, Network::parameters[which]); }
  std::vector<double> buffer(std::size_t which) const { return copy_of(buffers_, Network::buffers[which]); }
  std::vector<double> parameter_gradient(std::size_t which) const { return copy_of(parameter_gradients_, Network::parameters[which]); }

  void set_threads(int threads) { threads_ = threads; }
  void set_seed(typenet::seed s, std::uint32_t epoch = 0) {
    const typenet::batch_keys keys[] = {{s, epoch}};
    keys_.copy_from(keys);
  }
  void set_first_sample(std::uint32_t first) {
    std::vector<std::uint32_t> samples(static_cast<std::size_t>(capacity_));
    for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = first + static_cast<std::uint32_t>(i);
    samples_.copy_from(samples);
  }

  /// Runs forward on `batch` samples and returns the outputs.
  std::vector<double> forward(const std::vector<double>& input, int batch, bool training = true) {
    batch_ = batch;
    const typenet::index stride = typenet::index{Network::input_shape.size()} * lanes;
    scatter(input, batch, Network::input_shape.size(), true, input_, 0, stride);
    const auto memory = bind();
    stream_.run(threads_, state(training), forward_pass<executor_type, scalar>{memory});
    const auto out = executor_type::output(memory);
    return gather(activations_, out.base - memory.activations, out.stride, batch, Network::output_shape.size());
  }

  /// Runs backward from the gradient of the output and returns the gradient of the input. `parameter_gradient` then returns the gradients
  /// of the parameters.
  std::vector<double> backward(const std::vector<double>& output_gradient) {
    const auto memory = bind();
    const auto g = executor_type::output_gradient(memory);
    scatter(output_gradient, batch_, Network::output_shape.size(), false, gradients_, g.base - memory.gradients, g.stride);
    stream_.run(threads_, state(true), backward_pass<executor_type, scalar>{memory});
    return gather(input_gradient_, 0, typenet::index{Network::input_shape.size()} * lanes, batch_, Network::input_shape.size());
  }

  /// Runs forward and backward by lane groups, as the trainer does on a `grouped_execution`. Returns the outputs. The gradient of the input
  /// is not computed.
  std::vector<double> train(const std::vector<double>& input, int batch, const std::vector<double>& output_gradient) {
    static_assert(InPlace);
    batch_ = batch;
    scatter(input, batch, Network::input_shape.size(), true, input_, 0, typenet::index{Network::input_shape.size()} * lanes);
    const auto memory = bind();
    const auto g = executor_type::output_gradient(memory);
    scatter(output_gradient, batch, Network::output_shape.size(), false, gradients_, g.base - memory.gradients, g.stride);
    stream_.run(threads_, state(true),
                grouped_pass<typenet::detail::grouped_executor<Compiled, typenet::detail::layout_of<Backend>>, scalar>{memory});
    const auto out = executor_type::output(memory);
    return gather(activations_, out.base - memory.activations, out.stride, batch, Network::output_shape.size());
  }

 private:
  typenet::batch_state state(bool training) const { return {batch_, training, keys_.data(), samples_.data()}; }

  typenet::detail::batch_memory<scalar> bind() {
    typenet::detail::batch_memory<scalar> m;
    m.input = input_.data();
    m.activations = activations_.data();
    m.gradients = gradients_.data();
    m.input_gradient = input_gradient_.data();
    m.parameters = parameters_.data();
    m.parameter_gradients = parameter_gradients_.data();
    m.group_sums = group_sums_.data();
    m.buffers = buffers_.data();
    m.scratch = scratch_.data();
    m.capacity = capacity_;
    return m;
  }

  static std::vector<scalar> host(const array& a) {
    std::vector<scalar> values(static_cast<std::size_t>(a.size()));
    a.copy_to(values);
    return values;
  }
  static std::size_t place(int sample, int e, typenet::index offset, typenet::index stride) {
    return static_cast<std::size_t>(offset + sample / lanes * stride + typenet::index{e} * lanes + sample % lanes);
  }
  // Unused lanes hold the last sample, or zeros for a gradient.
  static void scatter(const std::vector<double>& from, int batch, int size, bool repeat, array& to, typenet::index offset,
                      typenet::index stride) {
    std::vector<scalar> values = host(to);
    for (int s = 0; s < (batch + lanes - 1) / lanes * lanes; ++s)
      for (int e = 0; e < size; ++e) {
        const int source = s < batch ? s : batch - 1;
        values[place(s, e, offset, stride)] =
            s < batch || repeat ? static_cast<scalar>(from[static_cast<std::size_t>(source * size + e)]) : scalar{0};
      }
    to.copy_from(values);
  }
  static std::vector<double> gather(const array& from, typenet::index offset, typenet::index stride, int batch, int size) {
    const std::vector<scalar> values = host(from);
    std::vector<double> to;
    to.reserve(static_cast<std::size_t>(batch * size));
    for (int s = 0; s < batch; ++s)
      for (int e = 0; e < size; ++e) to.push_back(static_cast<double>(values[place(s, e, offset, stride)]));
    return to;
  }
  template <class Info>
  static void copy_to(array& arena, const Info& info, const std::vector<double>& values) {
    std::vector<scalar> converted;
    for (const double v : values) converted.push_back(static_cast<scalar>(v));
    arena.copy_from(converted, info.offset);
  }
  template <class Info>
  static std::vector<double> copy_of(const array& arena, const Info& info) {
    std::vector<scalar> values(static_cast<std::size_t>(info.size()));
    arena.copy_to(values, info.offset);
    return {values.begin(), values.end()};
  }

  typenet::index capacity_;
  array input_, input_gradient_, activations_, gradients_, parameters_, parameter_gradients_, group_sums_, buffers_, scratch_;
  typename Backend::template memory<typenet::batch_keys> keys_;
  typename Backend::template memory<std::uint32_t> samples_;
  typename Backend::stream stream_;
  int batch_ = 0;
  int threads_ = 1;
};

}  // namespace testing
