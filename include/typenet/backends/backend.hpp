// SPDX-License-Identifier: MIT
/// @file
/// The backend: where the numbers of a model lie and what runs its kernels. The concept that a backend models, and the report of a type
/// that does not model it.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>

#include <typenet/backends/batch_state.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/sentence.hpp>
#include <typenet/core/type_name.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

namespace detail {

/// Stands for a task in the expressions of a concept: what `stream::run` calls with an execution.
struct any_task {
  template <class Exec>
  TYPENET_HD void operator()(Exec&) const {}
};

/// Memory of numbers of type `T`: zeroed, of a fixed size, aligned to the pack.
template <class Memory, class T>
concept backend_memory = std::copyable<Memory> && std::default_initializable<Memory> && std::constructible_from<Memory, index> &&
                         requires(Memory& memory, const Memory& constant, std::span<T> to, std::span<const T> from) {
                           { memory.data() } -> std::same_as<T*>;
                           { constant.data() } -> std::same_as<const T*>;
                           { constant.size() } -> std::same_as<index>;
                           memory.copy_from(from, index{0});
                           constant.copy_to(to, index{0});
                         };

/// The queue that runs the work of a model in order.
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

/// The conversion between rows in the memory of the program, `[sample][element]`, and lanes in the memory of the backend,
/// `[group][element][lane]`.
template <class Converter, class Backend>
concept backend_layout_converter = std::constructible_from<Converter, index, index> &&
                                   requires(Converter& converter, typename Backend::stream& stream, typename Backend::scalar* to,
                                            std::span<const typename Backend::scalar> samples, std::span<typename Backend::scalar> results,
                                            const lane_view<const typename Backend::scalar, Backend::lanes>& from) {
                                     converter.to_lanes(stream, samples, index{1}, 1, to);
                                     converter.to_rows(stream, from, index{1}, 1, results);
                                   };

/// A backend that declares its number type and its lanes.
template <class B>
concept has_layout = requires {
  typename B::scalar;
  typename B::pack;
  requires std::floating_point<typename B::scalar>;
  requires B::lanes > 0 && B::lanes % lane::width<typename B::pack> == 0;
};
/// A backend whose execution models `execution`, with the number type and the lanes of the backend.
template <class B>
concept has_execution = requires {
  requires execution<typename B::execution>;
  requires std::same_as<typename B::execution::scalar, typename B::scalar>;
  requires B::execution::lanes == B::lanes;
};
/// A backend with memory for its own numbers and for others.
template <class B>
concept has_memory = requires {
  requires backend_memory<typename B::array, typename B::scalar>;
  requires backend_memory<typename B::template memory<std::uint32_t>, std::uint32_t>;
};
/// A backend with a queue for its work, and with the type that a recorded task is kept in.
template <class B>
concept has_stream = requires { requires backend_stream<typename B::stream, B>; };
/// A backend with a conversion between rows and lanes.
template <class B>
concept has_layout_converter = requires { requires backend_layout_converter<typename B::layout_converter, B>; };
/// A backend that states the constants which the library asks for.
template <class B>
concept has_constants = requires {
  requires B::inference_samples > 0 && B::inference_samples % B::lanes == 0;
  { B::fuses_layers } -> std::convertible_to<bool>;
  { B::host_memory } -> std::convertible_to<bool>;
  { B::max_threads() } -> std::same_as<int>;
};

}  // namespace detail

/// A type that stores the numbers of a model and runs its kernels. docs/how-to/add-a-backend.md explains each part.
///
/// - `scalar`, `pack`: the number type and the pack of its kernels; `lanes`: samples side by side in storage, a multiple of the pack's
/// width
/// - `execution`: runs the kernels of one batch (concept `execution`)
/// - `fuses_layers`: true where chains of layers run as one
/// - `host_memory`: true where the program may read and write the backend's memory itself
/// - `inference_samples`: samples that a model predicts at a time, a multiple of `lanes`
/// - `memory<T>`: memory of `T` (zeroed, aligned to 64 bytes, copyable); `array` is `memory<scalar>`. `copy_from(span, first)` and
///   `copy_to(span, first)` copy from and to the memory of the program; `first` is an offset in elements of `T`. A copy comes after the
///   work that the calling thread has queued, and is done on return
/// - `stream`: runs tasks in order. `run(threads, batch_state, task)` calls `task(execution&)`; `repeat(recording, threads, state, task,
///   times)` does so `times` times; `for_each(n, f)` calls `f(i)` for i below n; `sort_by_key(keys, values, n)` sorts stably; `wait()`
///   returns when all is done. Optional: `parallel_for(n, workers, f)` calls `f(i, worker)` on several threads
/// - `recording`: what a stream keeps of a repeated task; may be empty
/// - `layout_converter`: constructed from (largest count, largest size). `to_lanes(stream, samples, count, size, to)` converts `samples`,
///   `[count][size]`, to `to`, `[group][size][lane]`; copies of the last sample fill the lanes past it. `to_rows(stream, view, count, size,
///   results)` converts the first `size` elements of each sample of `view` to `results`, `[count][size]`
/// - `max_threads()`: the threads that the machine offers
template <class B>
concept backend = detail::has_layout<B> && detail::has_execution<B> && detail::has_memory<B> && detail::has_stream<B> &&
                  detail::has_layout_converter<B> && detail::has_constants<B>;

/// The most threads that a program may ask for: 256, or as many as the machine offers where it offers more.
constexpr int most_threads(int offered) { return offered > 256 ? offered : 256; }

/// The message about a type that is no backend. Never defined: its name is the message.
template <class Backend, class Needs>
struct backend_error;

namespace needs {

/// The backend needs an execution.
struct an_execution {
  static constexpr auto text() {
    return detail::sentence{"a member type execution as the concept typenet::execution asks, with its own scalar and lanes"};
  }
};
/// The backend needs memory.
struct backend_memory {
  static constexpr auto text() {
    return detail::sentence{"a member template memory as the concept typenet::backend asks, and array, which is memory<scalar>"};
  }
};
/// The backend needs a stream.
struct a_stream {
  static constexpr auto text() { return detail::sentence{"member types recording and stream as the concept typenet::backend asks"}; }
};
/// The backend needs a layout converter.
struct a_layout_converter {
  static constexpr auto text() { return detail::sentence{"a member type layout_converter as the concept typenet::backend asks"}; }
};
/// The backend needs its number type, its lanes or its constants.
struct all_of_a_backend {
  static constexpr auto text() { return detail::sentence{"all that the concept typenet::backend asks for"}; }
};

}  // namespace needs

namespace detail {

/// The number type of a backend, or `float` where it declares none.
template <class Backend>
struct scalar_or_float {
  using type = float;
};
template <class Backend>
  requires requires { requires std::floating_point<typename Backend::scalar>; }
struct scalar_or_float<Backend> {
  using type = typename Backend::scalar;
};

/// A minimal backend that does nothing. It replaces a backend that is reported, so that the rest of the program compiles without a second
/// error.
template <class Scalar>
struct placeholder_backend {
  using scalar = Scalar;
  using pack = Scalar;
  static constexpr int lanes = 1;
  static constexpr bool fuses_layers = true;
  static constexpr bool host_memory = true;
  static constexpr index inference_samples = 1;
  static int max_threads();

  struct execution : batch_state {
    using scalar = Scalar;
    using pack = Scalar;
    static constexpr int lanes = 1;
    static constexpr bool many_workers = false;
    explicit execution(const batch_state& state);
    index blocks() const;
    template <class F>
    void for_each(index /*items*/, const F& /*f*/) {}
    template <int Sums, class Partial, class Finish>
    void reduce(index /*items*/, index /*length*/, const Partial& /*partial*/, const Finish& /*finish*/) {}
  };
  template <class T>
  struct memory {
    memory();
    explicit memory(index size);
    T* data();
    const T* data() const;
    index size() const;
    void copy_from(std::span<const T> from, index first = 0);
    void copy_to(std::span<T> to, index first = 0) const;
  };
  using array = memory<Scalar>;
  struct recording {};
  struct stream {
    template <class Task>
    void run(int /*threads*/, const batch_state& /*state*/, const Task& /*task*/) {}
    template <class Task>
    void repeat(recording& /*record*/, int /*threads*/, const batch_state& /*state*/, const Task& /*task*/, index /*times*/) {}
    template <class F>
    void for_each(index /*n*/, const F& /*f*/) {}
    template <class Key, class Value>
    void sort_by_key(Key* keys, Value* values, index n);
    void wait();
  };
  struct layout_converter {
    layout_converter(index most_samples, index most_elements);
    void to_lanes(stream& queue, std::span<const Scalar> rows, index count, int size, Scalar* to);
    void to_rows(stream& queue, const lane_view<const Scalar, 1>& from, index count, int size, std::span<Scalar> rows);
  };
};

/// The backend that a model is compiled for: `Backend`, or a placeholder where it is no backend.
template <class Backend>
using usable_backend = typename std::conditional_t<backend<Backend>, std::type_identity<Backend>,
                                                   std::type_identity<placeholder_backend<typename scalar_or_float<Backend>::type>>>::type;

/// `accepted`, or the first part that a backend lacks.
template <class Backend>
constexpr auto backend_answer() {
  if constexpr (backend<Backend>)
    return accepted{};
  else if constexpr (!has_layout<Backend>)
    return needs::all_of_a_backend{};
  else if constexpr (!has_execution<Backend>)
    return needs::an_execution{};
  else if constexpr (!has_memory<Backend>)
    return needs::backend_memory{};
  else if constexpr (!has_stream<Backend>)
    return needs::a_stream{};
  else if constexpr (!has_layout_converter<Backend>)
    return needs::a_layout_converter{};
  else
    return needs::all_of_a_backend{};
}

/// Reports a type that is no backend. Used as `decltype(check_backend<Backend>())`, like `report_error`. Returns true.
template <class Backend>
constexpr auto check_backend() {
  using answer = decltype(backend_answer<Backend>());
  if constexpr (!std::is_same_v<answer, accepted>) return report_error<backend_error<Backend, answer>, needs_message<Backend, answer>>();
  return true;
}

}  // namespace detail
}  // namespace typenet
