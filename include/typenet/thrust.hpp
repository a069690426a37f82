// SPDX-License-Identifier: MIT
/// @file
/// Umbrella: the library with the Thrust backend, `thrust_backend<Scalar>`; `gpu` is the one in `float`. In programs that nvcc compiles it
/// runs on a CUDA device; in others on the host, through Thrust's OMP or CPP system. Include it before every header of Thrust.
#pragma once

// IWYU pragma: begin_exports
#include <typenet/backends/thrust/backend.hpp>
#include <typenet/typenet.hpp>
// IWYU pragma: end_exports
