// SPDX-License-Identifier: MIT
/// @file
/// What was compiled in: the instruction set decides the speed, and a library cannot set its user's flags.
#pragma once

#include <string>

#include <typenet/backends/eigen/pack.hpp>
#include <typenet/core/config.hpp>

namespace typenet {

/// Facts about this build, fixed when it was compiled.
struct build_facts {
  int version[3];
  const char* compiler;
  const char* instruction_set;  ///< what Eigen's packets were compiled for
  int packet_floats;            ///< floats in one SIMD register
  bool fused_multiply_add;
  bool openmp;
  bool optimized;
};

/// What this translation unit was compiled with.
inline build_facts build_info() {
  return {{TYPENET_VERSION_MAJOR, TYPENET_VERSION_MINOR, TYPENET_VERSION_PATCH},
#if defined(__VERSION__)
          __VERSION__,
#else
          "unknown",
#endif
#if defined(EIGEN_VECTORIZE_AVX512)
          "AVX-512",
#elif defined(EIGEN_VECTORIZE_AVX2)
          "AVX2",
#elif defined(EIGEN_VECTORIZE_AVX)
          "AVX",
#elif defined(EIGEN_VECTORIZE_SSE4_2)
          "SSE4.2",
#elif defined(EIGEN_VECTORIZE_SSE2)
          "SSE2",
#elif defined(EIGEN_VECTORIZE_NEON)
          "NEON",
#else
          "scalar",
#endif
          Eigen::internal::packet_traits<float>::size,
#if defined(EIGEN_VECTORIZE_FMA) || defined(__ARM_FEATURE_FMA)
          true,
#else
          false,
#endif
#if defined(_OPENMP)
          true,
#else
          false,
#endif
#if defined(__OPTIMIZE__)
          true
#else
          false
#endif
  };
}

/// One line: "typenet 0.1.0, AVX-512 (16 floats a register), FMA, OpenMP, optimized".
inline std::string to_string(const build_facts& f) {
  return "typenet " + std::to_string(f.version[0]) + "." + std::to_string(f.version[1]) + "." + std::to_string(f.version[2]) + ", " +
         f.instruction_set + " (" + std::to_string(f.packet_floats) + " floats a register)" +
         (f.fused_multiply_add ? ", FMA" : ", no FMA") + (f.openmp ? ", OpenMP" : ", no OpenMP") +
         (f.optimized ? ", optimized" : ", NOT OPTIMIZED");
}

}  // namespace typenet
