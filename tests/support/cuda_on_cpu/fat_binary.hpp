// SPDX-License-Identifier: MIT
/// @file
/// Finds the PTX in what nvcc embeds in a program.
#pragma once

#include <string>

namespace cuda_on_cpu {

/// Returns the PTX of the newest architecture in a fat binary; empty where there is none that is not compressed.
/// @param wrapper what the program passes to __cudaRegisterFatBinary
std::string ptx_of(const void* wrapper);

}  // namespace cuda_on_cpu
