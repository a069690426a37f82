// SPDX-License-Identifier: MIT
/// @file
/// Arithmetic without subnormal numbers, where the processor has such a mode.
#pragma once

#include <cstdint>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace typenet::detail {

/// Makes the arithmetic of its thread read and write subnormal numbers as zero, for as long as the object lives. Subnormal numbers cost
/// about a hundred times as much; a Gaussian unit far from its center computes nothing else.
class flush_subnormals {
 public:
#if defined(__SSE__)
  flush_subnormals() : before_{_mm_getcsr()} { _mm_setcsr(before_ | 0x8040u); }
  ~flush_subnormals() { _mm_setcsr(before_); }
#elif defined(__aarch64__) && defined(__GNUC__)
  flush_subnormals() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" : : "r"(before_ | (std::uint64_t{1} << 24)));
  }
  ~flush_subnormals() { asm volatile("msr fpcr, %0" : : "r"(before_)); }
#else
  flush_subnormals() = default;
  ~flush_subnormals() = default;
#endif
  flush_subnormals(const flush_subnormals&) = delete;
  flush_subnormals& operator=(const flush_subnormals&) = delete;

 private:
#if defined(__SSE__)
  unsigned before_;
#elif defined(__aarch64__) && defined(__GNUC__)
  std::uint64_t before_ = 0;
#endif
};

}  // namespace typenet::detail
