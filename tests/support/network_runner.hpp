// SPDX-License-Identifier: MIT
// Runs a network forward and backward on any backend, in and out in PyTorch's order: [sample][channel][row][column].
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include <typenet/backends/eigen.hpp>
#include <typenet/declarative.hpp>
#include <typenet/detail/program.hpp>

namespace testing {

template <class Network, class Backend, bool InPlace = true>
class network_runner {
 public:
  using scalar = typename Backend::scalar;
  static constexpr int lanes = Backend::lanes;
  using program = typenet::detail::program<Network, scalar, lanes, InPlace>;

  explicit network_runner(int capacity)
      : capacity_{Network::padded_batch(capacity, lanes)},
        input_{capacity_ * Network::input_shape.size()},
        input_gradient_{capacity_ * Network::input_shape.size()},
        activations_{capacity_ * program::activations},
        gradients_{capacity_ * program::gradients},
        parameters_{Network::parameter_arena},
        parameter_gradients_{Network::parameter_arena},
        buffers_{Network::buffer_arena},
        scratch_{Network::scratch_size(capacity_)},
        samples_(static_cast<std::size_t>(capacity_)) {
    for (std::size_t i = 0; i < samples_.size(); ++i) samples_[i] = static_cast<std::uint32_t>(i);
    // What a kernel should write must not be right by chance.
    const auto garbage = std::numeric_limits<scalar>::quiet_NaN();
    for (auto* array : {&input_gradient_, &activations_, &gradients_, &parameter_gradients_, &scratch_})
      for (scalar& x : array->span()) x = garbage;
    for (const auto& info : Network::buffers)
      for (typenet::index i = 0; i < info.size(); ++i) buffers_.data()[info.offset + i] = static_cast<scalar>(info.spec.initial);
  }

  void set_parameter(std::size_t which, const std::vector<double>& values) { copy_to(parameters_, Network::parameters[which], values); }
  void set_buffer(std::size_t which, const std::vector<double>& values) { copy_to(buffers_, Network::buffers[which], values); }
  std::vector<double> parameter(std::size_t which) const { return copy_of(parameters_, Network::parameters[which]); }
  std::vector<double> buffer(std::size_t which) const { return copy_of(buffers_, Network::buffers[which]); }
  std::vector<double> parameter_gradient(std::size_t which) const { return copy_of(parameter_gradients_, Network::parameters[which]); }

  void set_threads(int threads) { threads_ = threads; }
  void set_seed(typenet::seed s, std::uint32_t epoch = 0) {
    seed_ = s;
    epoch_ = epoch;
  }
  void set_first_sample(std::uint32_t first) {
    for (std::size_t i = 0; i < samples_.size(); ++i) samples_[i] = first + static_cast<std::uint32_t>(i);
  }

  std::vector<double> forward(const std::vector<double>& input, int batch, bool training = true) {
    batch_ = batch;
    scatter(input, batch, Network::input_shape.size(), true, input_.data(), typenet::index{Network::input_shape.size()} * lanes);
    const auto memory = bind();
    Backend::run(threads_, [&](const auto& member) {
      typename Backend::execution run{state(training), member};
      program::forward(run, memory);
    });
    const auto out = program::output(memory);
    return gather(out.base, out.stride, batch, Network::output_shape.size());
  }

  /// Returns the gradient of the input; those of the parameters are there to be read.
  std::vector<double> backward(const std::vector<double>& output_gradient) {
    const auto memory = bind();
    const auto g = program::output_gradient(memory);
    scatter(output_gradient, batch_, Network::output_shape.size(), false, g.base, g.stride);
    Backend::run(threads_, [&](const auto& member) {
      typename Backend::execution run{state(true), member};
      program::template backward<true>(run, memory);
    });
    return gather(input_gradient_.data(), typenet::index{Network::input_shape.size()} * lanes, batch_, Network::input_shape.size());
  }

 private:
  typenet::batch_state state(bool training) const { return {batch_, training, seed_, epoch_, samples_.data()}; }

  typenet::detail::batch_memory<scalar> bind() {
    typenet::detail::batch_memory<scalar> m;
    m.input = input_.data();
    m.activations = activations_.data();
    m.gradients = gradients_.data();
    m.input_gradient = input_gradient_.data();
    m.parameters = parameters_.data();
    m.parameter_gradients = parameter_gradients_.data();
    m.buffers = buffers_.data();
    m.scratch = scratch_.data();
    m.capacity = capacity_;
    return m;
  }

  // Lanes beyond the batch hold the last sample, or zeros for a gradient.
  static void scatter(const std::vector<double>& from, int batch, int size, bool repeat, scalar* to, typenet::index stride) {
    for (int s = 0; s < (batch + lanes - 1) / lanes * lanes; ++s)
      for (int e = 0; e < size; ++e) {
        const int source = s < batch ? s : batch - 1;
        to[s / lanes * stride + typenet::index{e} * lanes + s % lanes] =
            s < batch || repeat ? static_cast<scalar>(from[static_cast<std::size_t>(source * size + e)]) : scalar{0};
      }
  }
  static std::vector<double> gather(const scalar* from, typenet::index stride, int batch, int size) {
    std::vector<double> to;
    to.reserve(static_cast<std::size_t>(batch * size));
    for (int s = 0; s < batch; ++s)
      for (int e = 0; e < size; ++e) to.push_back(static_cast<double>(from[s / lanes * stride + typenet::index{e} * lanes + s % lanes]));
    return to;
  }
  template <class Info>
  static void copy_to(typename Backend::array& arena, const Info& info, const std::vector<double>& values) {
    for (std::size_t i = 0; i < values.size(); ++i)
      arena.data()[info.offset + static_cast<typenet::index>(i)] = static_cast<scalar>(values[i]);
  }
  template <class Info>
  static std::vector<double> copy_of(const typename Backend::array& arena, const Info& info) {
    return {arena.data() + info.offset, arena.data() + info.offset + info.size()};
  }

  typenet::index capacity_;
  typename Backend::array input_, input_gradient_, activations_, gradients_, parameters_, parameter_gradients_, buffers_, scratch_;
  std::vector<std::uint32_t> samples_;
  typenet::seed seed_{7};
  std::uint32_t epoch_ = 0;
  int batch_ = 0;
  int threads_ = 1;
};

}  // namespace testing
