// SPDX-License-Identifier: MIT
/// @file
/// The version, the macros that hide differences between compilers, and the index type. Every header includes this one.
#pragma once

#include <cstddef>

#define TYPENET_VERSION_MAJOR 0
#define TYPENET_VERSION_MINOR 1
#define TYPENET_VERSION_PATCH 0

/// Marks a function that runs on the host. A CUDA compiler compiles it for the device too.
#if defined(__CUDACC__)
#define TYPENET_HD __host__ __device__
#else
#define TYPENET_HD
#endif

/// Stands before a template marked TYPENET_HD that may call a function of the host alone or of the device alone, depending on its template
/// arguments. A CUDA compiler then skips its check of such calls.
#if defined(__CUDACC__)
#define TYPENET_ANY_SIDE _Pragma("nv_exec_check_disable")
#else
#define TYPENET_ANY_SIDE
#endif

/// Inlines a function whatever the compiler estimates its size to be. A register tile stays in registers only if the functions that work on
/// it are inlined.
#if defined(_MSC_VER)
#define TYPENET_INLINE __forceinline
#else
#define TYPENET_INLINE inline __attribute__((always_inline))
#endif

/// Inlines a lambda; stands after its parameters. Empty for MSVC.
#if defined(_MSC_VER)
#define TYPENET_LAMBDA_INLINE
#else
#define TYPENET_LAMBDA_INLINE __attribute__((always_inline))
#endif

/// Unrolls the loop that follows completely. The loop's bounds are constants known at compile time.
#if defined(__CUDACC__)
#define TYPENET_UNROLL _Pragma("unroll")
#elif defined(__clang__)
#define TYPENET_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define TYPENET_UNROLL _Pragma("GCC unroll 128")
#else
#define TYPENET_UNROLL
#endif

/// Hides the origin of a pointer from the optimizer. The compiler then loads values again where they are used, and keeps the registers for
/// sums.
#if defined(__GNUC__) && !defined(__CUDACC__)
#define TYPENET_FORGET(pointer) asm("" : "+r"(pointer))
#else
#define TYPENET_FORGET(pointer)
#endif

namespace typenet {

/// The signed type of counts, offsets and indices.
using index = std::ptrdiff_t;

}  // namespace typenet
