// SPDX-License-Identifier: MIT
/// @file
/// The Thrust backend. nvcc compiles it for a CUDA device. Other compilers compile it for the host, with OpenMP or with one thread
/// (`THRUST_DEVICE_SYSTEM_OMP`, `THRUST_DEVICE_SYSTEM_CPP`).
#pragma once

#include <typenet/backends/thrust/system.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <typenet/backends/batch_state.hpp>
#include <typenet/backends/thrust/launch.hpp>
#include <typenet/core/config.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/pack.hpp>

#if THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_CUDA
#if !defined(__CUDACC__)
#error "typenet: Thrust's CUDA system needs a CUDA compiler; compile this file with nvcc, or define THRUST_DEVICE_SYSTEM otherwise"
#endif
#include <typenet/backends/cuda/system.hpp>
#else
#include <typenet/backends/thrust/system_host.hpp>
#endif

namespace typenet {

inline namespace TYPENET_THRUST_NAMESPACE {

/// Runs networks on Thrust's device. Results depend on the program, the seed and the kind of device, and on nothing else.
/// @tparam Scalar `float` or `double`
/// @tparam Launch how training steps reach a CUDA device; other systems ignore it
template <class Scalar, device_launch Launch = device_launch::graph>
struct thrust_backend {
 private:
  using system = detail::thrust_system<Scalar, Launch>;

 public:
  using scalar = Scalar;
  using pack = typename system::pack;
  /// Samples side by side in storage: one for each thread of a warp.
  static constexpr int lanes = 32;
  static_assert(lane::width<pack> == lanes);
  /// True where the program may read and write this backend's memory itself. It is false on the host too: the same program then runs on
  /// both.
  static constexpr bool host_memory = false;
  /// True where chains of layers run as one.
  static constexpr bool fuses_layers = true;
  /// Samples that a model predicts at a time.
  static constexpr index inference_samples = 1024;

  using execution = typename system::execution;
  using recording = typename system::recording;
  using stream = typename system::stream;

  /// Zeroed memory of a fixed size on the device, aligned to 64 bytes. Copies come after all that the calling thread has queued; they are
  /// done on return.
  template <class T>
  class memory {
    static_assert(std::is_trivially_copyable_v<T>);

   public:
    memory() = default;
    /// Allocates `size` zeros.
    /// @throws device_memory_error if there is not enough memory
    /// @throws device_error if there is no device, or it failed
    explicit memory(index size) : size_{size}, held_{size > 0 ? system::allocate(bytes(size)) : owner{}} {}
    memory(const memory& other) : memory{other.size_} { system::copy_within(data(), other.data(), bytes(size_)); }
    memory(memory&& other) noexcept : size_{std::exchange(other.size_, 0)}, held_{std::move(other.held_)} {}
    /// Copies the numbers. Memory of equal size keeps its address.
    memory& operator=(const memory& other) {
      if (size_ != other.size_)
        *this = memory{other};
      else if (this != &other)
        system::copy_within(data(), other.data(), bytes(size_));
      return *this;
    }
    memory& operator=(memory&& other) noexcept {
      std::swap(size_, other.size_);
      std::swap(held_, other.held_);
      return *this;
    }
    ~memory() = default;

    /// The address on the device; null where the size is 0.
    [[nodiscard]] T* data() { return static_cast<T*>(held_.get()); }
    [[nodiscard]] const T* data() const { return static_cast<const T*>(held_.get()); }
    [[nodiscard]] index size() const { return size_; }

    /// Copies `from`, in the memory of the program, to the elements from number `first` on.
    /// @pre the range lies inside
    /// @throws device_error if the copy, or work before it, failed
    void copy_from(std::span<const T> from, index first = 0) { system::copy_in(data() + first, from.data(), from.size_bytes()); }
    /// Copies the elements from number `first` on to `to`, in the memory of the program.
    /// @pre the range lies inside
    /// @throws device_error if the copy, or work before it, failed
    void copy_to(std::span<T> to, index first = 0) const { system::copy_out(to.data(), data() + first, to.size_bytes()); }

   private:
    using owner = typename system::memory;
    static std::size_t bytes(index size) { return static_cast<std::size_t>(size) * sizeof(T); }

    index size_ = 0;
    owner held_;
  };
  using array = memory<Scalar>;

  /// Converts samples between rows in the memory of the program, `[sample][element]`, and lanes on the device, `[group][element][lane]`.
  class layout_converter {
   public:
    /// @param most_samples the largest number of samples in one call
    /// @param most_elements the largest number of elements of a sample
    layout_converter(index most_samples, index most_elements) : rows_{most_samples * most_elements} {}

    /// Converts `rows`, `[count][size]`, to `to`, `[group][size][lane]`, on the device. Copies of the last sample fill the lanes past it.
    void to_lanes(stream& queue, std::span<const Scalar> rows, index count, int size, Scalar* to) {
      rows_.copy_from(rows.first(static_cast<std::size_t>(count * size)));
      const Scalar* const from = rows_.data();
      queue.for_each((count + lanes - 1) / lanes * lanes * size, [=] TYPENET_HD(index i) {
        const index sample = i / (index{lanes} * size) * lanes + i % lanes;
        to[i] = from[(sample < count ? sample : count - 1) * size + i / lanes % size];
      });
    }
    /// Converts the first `size` elements of `count` samples on the device to `rows`, `[count][size]`.
    void to_rows(stream& queue, const lane_view<const Scalar, lanes>& from, index count, int size, std::span<Scalar> rows) {
      Scalar* const to = rows_.data();
      queue.for_each(count * size, [=] TYPENET_HD(index i) {
        const index sample = i / size;
        to[i] = from.base[sample / lanes * from.stride + i % size * lanes + sample % lanes];
      });
      rows_.copy_to(rows.first(static_cast<std::size_t>(count * size)));
    }

   private:
    array rows_;  // `[sample][element]`, on the device
  };

  /// Threads that a task may be given: one, because Thrust distributes the work itself.
  static int max_threads() { return 1; }

  /// The name of the device, for people to read: "NVIDIA H100 (compute capability 9.0)".
  /// @throws device_error if there is no device
  static std::string device_name() { return system::device_name(); }
};

/// Thrust's device in single precision: the GPU in programs that nvcc compiles.
using gpu = thrust_backend<float>;

}  // namespace TYPENET_THRUST_NAMESPACE
}  // namespace typenet
