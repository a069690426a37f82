// SPDX-License-Identifier: MIT
/// @file
/// The choice of Thrust's device system where the program makes none. Include it before every header of Thrust.
#pragma once

// The default of Thrust is CUDA, which a C++ compiler cannot compile.
#if !defined(THRUST_DEVICE_SYSTEM) && !defined(__CUDACC__)
#if defined(_OPENMP)
#define THRUST_DEVICE_SYSTEM THRUST_DEVICE_SYSTEM_OMP
#else
#define THRUST_DEVICE_SYSTEM THRUST_DEVICE_SYSTEM_CPP
#endif
#endif

#include <thrust/detail/config/device_system.h>

/// The namespace of code that is compiled for one device system. One program may then hold objects for several systems.
#if THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_CUDA
#define TYPENET_THRUST_NAMESPACE on_cuda
#elif THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_OMP
#define TYPENET_THRUST_NAMESPACE on_omp
#elif THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_TBB
#define TYPENET_THRUST_NAMESPACE on_tbb
#else
#define TYPENET_THRUST_NAMESPACE on_cpp
#endif
