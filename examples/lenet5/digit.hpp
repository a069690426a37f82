// SPDX-License-Identifier: MIT
// Reads one image file as a digit of 28x28 bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace lenet5 {

/// Reads an image file as grayscale, scaled to 28x28 bytes: `[row][column]`; 0 is the background.
/// @param invert true for images with dark ink on a light background
/// @throws typenet::file_error if it cannot be read as an image
std::vector<std::uint8_t> read_digit(const std::filesystem::path& file, bool invert);

/// Whether the border of an image is bright, which data sets of light digits on a dark background have nowhere.
/// @param digit 28x28 bytes: `[row][column]`
bool is_dark_on_light(std::span<const std::uint8_t> digit);

}  // namespace lenet5
