// SPDX-License-Identifier: MIT
// One image file as the 28x28 bytes of a digit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace lenet5 {

/// Reads an image file, in grey, scaled to 28x28: `[row][column]`, 0 is the background.
/// @param invert for images that are dark on light
/// @throws typenet::file_error if it cannot be read as an image
std::vector<std::uint8_t> read_digit(const std::filesystem::path& file, bool invert);

}  // namespace lenet5
