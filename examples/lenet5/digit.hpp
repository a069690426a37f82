// SPDX-License-Identifier: MIT
// One image file as a data set of one 28x28 image.
#pragma once

#include <filesystem>

#include <typenet/data.hpp>

namespace lenet5 {

/// Reads an image file, in grey, scaled to 28x28.
/// @param invert for images that are dark on light
/// @throws typenet::file_error if it cannot be read as an image
typenet::mnist_dataset read_digit(const std::filesystem::path& file, bool invert);

}  // namespace lenet5
