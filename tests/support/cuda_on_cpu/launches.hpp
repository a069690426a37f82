// SPDX-License-Identifier: MIT
/// @file
/// The kernels and variables that the program has registered.
#pragma once

#include "ptx_module.hpp"

namespace cuda_on_cpu {

/// The device's variable of a variable of the program, or null.
const variable* variable_of(const void* symbol);

}  // namespace cuda_on_cpu
