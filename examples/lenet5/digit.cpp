// SPDX-License-Identifier: MIT
#include "digit.hpp"

#include <algorithm>
#include <string>

#include <typenet/core/error.hpp>

#if defined(TYPENET_HAS_STB)
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb/stb_image.h>
#endif

namespace lenet5 {

std::vector<std::uint8_t> read_digit([[maybe_unused]] const std::filesystem::path& file, [[maybe_unused]] bool invert) {
#if defined(TYPENET_HAS_STB)
  int width = 0, height = 0, channels = 0;
  unsigned char* const pixels = stbi_load(file.string().c_str(), &width, &height, &channels, 1);
  if (pixels == nullptr) throw typenet::file_error(file.string() + ": not an image that can be read: " + stbi_failure_reason());
  std::vector<std::uint8_t> image(28 * 28);
  // Each output pixel is the mean of the input pixels that it covers.
  for (int y = 0; y < 28; ++y)
    for (int x = 0; x < 28; ++x) {
      const int top = y * height / 28, left = x * width / 28;
      const int bottom = std::max(top + 1, (y + 1) * height / 28), right = std::max(left + 1, (x + 1) * width / 28);
      long sum = 0;
      for (int r = top; r < bottom; ++r)
        for (int c = left; c < right; ++c) sum += pixels[r * width + c];
      const long mean = sum / ((bottom - top) * (right - left));
      image[static_cast<std::size_t>(y * 28 + x)] = static_cast<std::uint8_t>(invert ? 255 - mean : mean);
    }
  stbi_image_free(pixels);
  return image;
#else
  throw typenet::file_error(file.string() + ": this build reads no image files; build it where stb is installed (Debian: libstb-dev)");
#endif
}

}  // namespace lenet5
