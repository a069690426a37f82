// SPDX-License-Identifier: MIT
/// @file
/// Compiler glue shared by every header: the version, host/device marking, unrolling, and the index type.
#pragma once

#include <cstddef>

#define TYPENET_VERSION_MAJOR 0
#define TYPENET_VERSION_MINOR 1
#define TYPENET_VERSION_PATCH 0

/// Marks a function that runs on the host and, where a CUDA compiler reads it, on the device too.
#if defined(__CUDACC__)
#define TYPENET_HD __host__ __device__
#else
#define TYPENET_HD
#endif

/// Before a template marked TYPENET_HD whose arguments decide on which side it can be called: a CUDA compiler then does not ask.
#if defined(__CUDACC__)
#define TYPENET_ANY_SIDE _Pragma("nv_exec_check_disable")
#else
#define TYPENET_ANY_SIDE
#endif

/// Inlines a kernel's inner function even where the compiler's size estimate says otherwise: register tiles live or die by it.
#if defined(_MSC_VER)
#define TYPENET_INLINE __forceinline
#else
#define TYPENET_INLINE inline __attribute__((always_inline))
#endif

/// The same for a lambda, after its parameters.
#if defined(_MSC_VER)
#define TYPENET_LAMBDA_INLINE
#else
#define TYPENET_LAMBDA_INLINE __attribute__((always_inline))
#endif

/// Unrolls the loop that follows completely; its bounds are compile-time constants.
#if defined(__CUDACC__)
#define TYPENET_UNROLL _Pragma("unroll")
#elif defined(__clang__)
#define TYPENET_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define TYPENET_UNROLL _Pragma("GCC unroll 128")
#else
#define TYPENET_UNROLL
#endif

/// Makes the compiler forget what it knows about where a pointer points, so that it reads again what it would keep in registers that are
/// needed for sums.
#if defined(__GNUC__) && !defined(__CUDACC__)
#define TYPENET_FORGET(pointer) asm("" : "+r"(pointer))
#else
#define TYPENET_FORGET(pointer)
#endif

namespace typenet {

/// Signed type of every count, offset and index.
using index = std::ptrdiff_t;

}  // namespace typenet
