// SPDX-License-Identifier: MIT
/// @file
/// The seeds of fuzzing: real files, small, of every kind that a reader accepts.
#pragma once

#include <string>
#include <vector>

#include "../data/scratch.hpp"

namespace fuzz {

/// A file that a reader accepts.
struct seed {
  std::string reader;  ///< the name of its harness
  std::string name;
  scratch::bytes content;
};

/// All seeds. They are written by the library's own writers, and by small encoders where it has none.
std::vector<seed> seeds();

}  // namespace fuzz
