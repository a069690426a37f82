// SPDX-License-Identifier: MIT
/// @file
/// The folder of the golden files.
#pragma once

#include <cstdlib>
#include <string>

#ifndef TYPENET_GOLDEN_DIR
#error "define TYPENET_GOLDEN_DIR as the folder of layers.json, in quotes"
#endif

namespace golden {

/// The folder that the environment variable TYPENET_GOLDEN_DIR names, for programs that were built elsewhere; else the source tree's.
[[nodiscard]] inline std::string folder() {
  const char* const named = std::getenv("TYPENET_GOLDEN_DIR");
  return named != nullptr ? named : TYPENET_GOLDEN_DIR;
}

}  // namespace golden
