// SPDX-License-Identifier: MIT
/// @file
/// The backend: where a model's numbers lie and what runs its kernels. The concept that a backend of your own models.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>

#include <typenet/backends/batch_state.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

namespace detail {

/// Stands for a task in a concept's expression: what `stream::run` calls with an execution.
struct any_task {
  template <class Exec>
  TYPENET_HD void operator()(Exec&) const {}
};

/// Memory of numbers of type `T`: zeroed, of a fixed size, aligned for packs.
template <class Memory, class T>
concept backend_memory = std::copyable<Memory> && std::default_initializable<Memory> && std::constructible_from<Memory, index> &&
                         requires(Memory& memory, const Memory& constant, std::span<T> to, std::span<const T> from) {
                           { memory.data() } -> std::same_as<T*>;
                           { constant.data() } -> std::same_as<const T*>;
                           { constant.size() } -> std::same_as<index>;
                           memory.copy_from(from, index{0});
                           constant.copy_to(to, index{0});
                         };

/// The queue that a model's work goes through, in order.
template <class Stream, class Backend>
concept backend_stream =
    std::default_initializable<Stream> && std::copyable<Stream> &&
    requires(Stream& stream, const batch_state& state, typename Backend::recording& recording, std::uint64_t* keys, std::uint32_t* values) {
      stream.run(1, state, any_task{});
      stream.repeat(recording, 1, state, any_task{}, index{1});
      stream.for_each(index{1}, any_item{});
      stream.sort_by_key(keys, values, index{1});
      stream.wait();
    };

/// The conversion between samples one after another in the program's memory and samples in the lanes of the backend's.
template <class Converter, class Backend>
concept backend_layout_converter = std::constructible_from<Converter, index, index> &&
                                   requires(Converter& converter, typename Backend::stream& stream, typename Backend::scalar* to,
                                            std::span<const typename Backend::scalar> samples, std::span<typename Backend::scalar> results,
                                            const lane_view<const typename Backend::scalar, Backend::lanes>& from) {
                                     converter.to_lanes(stream, samples, index{1}, 1, to);
                                     converter.to_rows(stream, from, index{1}, 1, results);
                                   };

}  // namespace detail

/// Where a model's numbers lie and what runs its kernels.
///
/// - `scalar`, `pack`: the number type and the pack of its kernels; `lanes`: samples side by side in storage, a multiple of the pack's
/// width
/// - `execution`: runs the kernels of one batch (concept `execution`)
/// - `fuses_layers`: true where chains of layers run as one
/// - `host_memory`: true where the program may read and write the backend's memory itself
/// - `inference_samples`: samples that a model predicts at a time, a multiple of `lanes`
/// - `memory<T>`: memory of `T` (zeroed, aligned to 64 bytes, copyable); `array` is `memory<scalar>`. `copy_from(span, first)` and
///   `copy_to(span, first)` copy from and to the program's memory
/// - `stream`: runs tasks in order. `run(threads, batch_state, task)` calls `task(execution&)`; `repeat(recording, threads, state, task,
///   times)` does so `times` times; `for_each(n, f)` calls `f(i)` for i below n; `sort_by_key(keys, values, n)` sorts stably; `wait()`
///   returns when all is done. Optional: `parallel_for(n, workers, f)` calls `f(i, worker)` on several threads
/// - `recording`: what a stream keeps of a repeated task; may be empty
/// - `layout_converter`: constructed from (samples, numbers of a sample). `to_lanes(stream, samples, count, size, to)` fills the lanes past
///   the last sample with that sample; `to_rows(stream, view, count, size, results)` is the way back
/// - `max_threads()`: the threads that the machine offers
template <class B>
concept backend = requires {
  typename B::scalar;
  typename B::pack;
  typename B::execution;
  typename B::recording;
  typename B::array;
  requires std::floating_point<typename B::scalar>;
  requires B::lanes > 0 && B::lanes % lane::width<typename B::pack> == 0;
  requires B::inference_samples > 0 && B::inference_samples % B::lanes == 0;
  { B::fuses_layers } -> std::convertible_to<bool>;
  { B::host_memory } -> std::convertible_to<bool>;
  { B::max_threads() } -> std::same_as<int>;
  requires execution<typename B::execution>;
  requires std::same_as<typename B::execution::scalar, typename B::scalar>;
  requires B::execution::lanes == B::lanes;
  requires detail::backend_memory<typename B::array, typename B::scalar>;
  requires detail::backend_memory<typename B::template memory<std::uint32_t>, std::uint32_t>;
  requires detail::backend_stream<typename B::stream, B>;
  requires detail::backend_layout_converter<typename B::layout_converter, B>;
};

/// Never defined: its name is the message.
template <class Backend, class Needs>
struct backend_error;

namespace needs {
/// All that a backend has to offer.
struct all_of_a_backend {
  static constexpr auto text() { return detail::sentence{"all that the concept typenet::backend asks for"}; }
};
}  // namespace needs

namespace detail {

/// The sentence about a type that is no backend.
template <class Backend>
struct backend_text {
  static constexpr sentence text() {
    return sentence{"typenet: "}.add(type_name<Backend>()).add(" needs ").add(needs::all_of_a_backend::text());
  }
};

/// Reports a type that is no backend.
template <class Backend>
constexpr bool check_backend() {
  if constexpr (!backend<Backend>) return report_error<backend_error<Backend, needs::all_of_a_backend>, backend_text<Backend>>();
  return true;
}

}  // namespace detail
}  // namespace typenet
