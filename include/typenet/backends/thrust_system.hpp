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
