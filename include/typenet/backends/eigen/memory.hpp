// SPDX-License-Identifier: MIT
/// @file
/// The memory of the CPU backend: aligned for packs, in large pages where they pay.
#pragma once

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include <typenet/backends/eigen/packet.hpp>
#include <typenet/core/config.hpp>

namespace typenet::detail {

inline namespace TYPENET_PACKETS {

/// Zeroed memory of a fixed size, aligned to 64 bytes.
/// @tparam T a trivially copyable type
/// @tparam Slack numbers past the end that may be read, but not written
template <class T, index Slack>
class aligned_memory {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  aligned_memory() = default;
  /// Allocates `size` zeros.
  explicit aligned_memory(index size) : size_{size}, data_{size > 0 ? allocate(size) : owner{}} {
    if (size > 0) std::uninitialized_value_construct_n(data_.get(), size + Slack);
  }

  aligned_memory(const aligned_memory& other) : aligned_memory{other.size_} { copy_from(other.span()); }
  aligned_memory(aligned_memory&& other) noexcept : size_{std::exchange(other.size_, 0)}, data_{std::move(other.data_)} {}
  /// Copies the numbers. Memory of equal size keeps its address.
  aligned_memory& operator=(const aligned_memory& other) {
    if (size_ == other.size_)
      copy_from(other.span());
    else
      *this = aligned_memory{other};
    return *this;
  }
  aligned_memory& operator=(aligned_memory&& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~aligned_memory() = default;

  [[nodiscard]] T* data() { return data_.get(); }
  [[nodiscard]] const T* data() const { return data_.get(); }
  [[nodiscard]] index size() const { return size_; }
  [[nodiscard]] std::span<T> span() { return {data(), static_cast<std::size_t>(size_)}; }
  [[nodiscard]] std::span<const T> span() const { return {data(), static_cast<std::size_t>(size_)}; }

  /// Copies `from` to the elements from number `first` on.
  /// @pre the range lies inside
  void copy_from(std::span<const T> from, index first = 0) {
    if (T* const to = data(); to != nullptr) std::copy(from.begin(), from.end(), to + first);
  }
  /// Copies the elements from number `first` on to `to`.
  /// @pre the range lies inside
  void copy_to(std::span<T> to, index first = 0) const {
    if (const T* const from = data(); from != nullptr) std::copy_n(from + first, to.size(), to.begin());
  }

 private:
  struct release {
    std::align_val_t alignment{};
    void operator()(T* p) const { ::operator delete[](p, alignment); }
  };
  using owner = std::unique_ptr<T[], release>;
  static owner allocate(index size) {
    const std::size_t bytes = static_cast<std::size_t>(size + Slack) * sizeof(T);
    std::size_t alignment = 64;
#if defined(MADV_HUGEPAGE)
    // Large arrays lie in large pages: a processor caches the addresses of a limited number of pages.
    constexpr std::size_t large_page = std::size_t{2} << 20;
    if (bytes >= 2 * large_page) alignment = large_page;
#endif
    owner array{static_cast<T*>(::operator new[](bytes, std::align_val_t{alignment})), release{std::align_val_t{alignment}}};
#if defined(MADV_HUGEPAGE)
    // This is advice; the system may ignore it.
    if (alignment == large_page) madvise(array.get(), bytes / large_page * large_page, MADV_HUGEPAGE);
#endif
    return array;
  }
  index size_ = 0;
  owner data_;
};

}  // namespace TYPENET_PACKETS
}  // namespace typenet::detail
