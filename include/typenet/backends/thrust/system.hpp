// SPDX-License-Identifier: MIT
/// @file
/// Which of its systems Thrust takes for the device, where the program does not say. To be included before anything of Thrust.
#pragma once

// Thrust's own choice would be CUDA, which a plain compiler cannot be meant to use.
#if !defined(THRUST_DEVICE_SYSTEM) && !defined(__CUDACC__)
#if defined(_OPENMP)
#define THRUST_DEVICE_SYSTEM THRUST_DEVICE_SYSTEM_OMP
#else
#define THRUST_DEVICE_SYSTEM THRUST_DEVICE_SYSTEM_CPP
#endif
#endif

#include <thrust/detail/config/device_system.h>

/// Tells apart what is compiled for one system and for another, so that one program may hold both.
#if THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_CUDA
#define TYPENET_THRUST_NAMESPACE on_cuda
#elif THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_OMP
#define TYPENET_THRUST_NAMESPACE on_omp
#elif THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_TBB
#define TYPENET_THRUST_NAMESPACE on_tbb
#else
#define TYPENET_THRUST_NAMESPACE on_cpp
#endif
