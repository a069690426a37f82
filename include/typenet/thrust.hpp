// SPDX-License-Identifier: MIT
/// @file
/// The library with its second backend: `thrust_backend<Scalar>`, `gpu` for short. Under nvcc it runs on CUDA devices; elsewhere on the
/// host, through Thrust's OMP or CPP system. Include it before anything of Thrust's.
#pragma once

// IWYU pragma: begin_exports
#include <typenet/backends/thrust/backend.hpp>
#include <typenet/typenet.hpp>
// IWYU pragma: end_exports
