// SPDX-License-Identifier: MIT
/// @file
/// The facts of a build. The instruction set decides the speed, and a library cannot set the flags of its user.
#pragma once

#include <string>

#include <typenet/backends/eigen/packet.hpp>
#include <typenet/core/config.hpp>

namespace typenet {

/// Facts about a build, fixed when it was compiled.
struct build_facts {
  int version[3];               ///< of typenet: major, minor, patch
  const char* compiler;         ///< its name and version, as it gives them
  const char* instruction_set;  ///< of Eigen's packets: "AVX-512", "AVX2" …
  int packet_floats;            ///< floats in one SIMD register
  bool fused_multiply_add;
  bool openmp;
  bool optimized;
};

inline namespace TYPENET_PACKETS {

/// The facts of this translation unit.
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

}  // namespace TYPENET_PACKETS

/// The facts as one line: "typenet 0.1.0, AVX-512 (16 floats a register), FMA, OpenMP, optimized".
inline std::string to_string(const build_facts& f) {
  return "typenet " + std::to_string(f.version[0]) + "." + std::to_string(f.version[1]) + "." + std::to_string(f.version[2]) + ", " +
         f.instruction_set + " (" + std::to_string(f.packet_floats) + " floats a register)" +
         (f.fused_multiply_add ? ", FMA" : ", no FMA") + (f.openmp ? ", OpenMP" : ", no OpenMP") +
         (f.optimized ? ", optimized" : ", NOT OPTIMIZED");
}

}  // namespace typenet
