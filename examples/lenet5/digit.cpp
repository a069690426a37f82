// SPDX-License-Identifier: MIT
#include "digit.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>

#include <typenet/core/error.hpp>

#if defined(TYPENET_HAS_STB)
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_FAILURE_USERMSG           // reasons in words
#define STBI_MAX_DIMENSIONS (1 << 14)  // an image of more pixels is no digit
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb/stb_image.h>
#endif

namespace lenet5 {

std::vector<std::uint8_t> read_digit([[maybe_unused]] const std::filesystem::path& file, [[maybe_unused]] bool invert) {
#if defined(TYPENET_HAS_STB)
  const auto fail = [&](const std::string& what) { throw typenet::file_error(file.string() + ": " + what); };
  std::error_code failure;
  const std::filesystem::file_status status = std::filesystem::status(file, failure);
  if (!std::filesystem::exists(status)) fail("cannot be read: " + failure.message());
  if (!std::filesystem::is_regular_file(status)) fail("cannot be read: it is no regular file");
  struct closer {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  const std::unique_ptr<std::FILE, closer> in{std::fopen(file.c_str(), "rb")};
  if (!in) fail(std::string{"cannot be read: "} + std::strerror(errno));
  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<unsigned char, void (*)(void*)> pixels{stbi_load_from_file(in.get(), &width, &height, &channels, 1),
                                                               &stbi_image_free};
  if (!pixels) fail(std::string{"not an image that can be read: "} + stbi_failure_reason());
  std::vector<std::uint8_t> image(28 * 28);
  // Each output pixel is the mean of the input pixels that it covers.
  for (int y = 0; y < 28; ++y)
    for (int x = 0; x < 28; ++x) {
      const int top = y * height / 28, left = x * width / 28;
      const int bottom = std::max(top + 1, (y + 1) * height / 28), right = std::max(left + 1, (x + 1) * width / 28);
      long sum = 0;
      for (int r = top; r < bottom; ++r)
        for (int c = left; c < right; ++c)
          sum += pixels.get()[static_cast<std::size_t>(r) * static_cast<std::size_t>(width) + static_cast<std::size_t>(c)];
      const long mean = sum / ((bottom - top) * (right - left));
      image[static_cast<std::size_t>(y * 28 + x)] = static_cast<std::uint8_t>(invert ? 255 - mean : mean);
    }
  return image;
#else
  throw typenet::file_error(file.string() + ": this build reads no image files; build it where stb is installed (Debian: libstb-dev)");
#endif
}

bool is_dark_on_light(std::span<const std::uint8_t> digit) {
  constexpr int side = 28;
  int sum = 0, count = 0;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      if (x == 0 || y == 0 || x == side - 1 || y == side - 1) {
        sum += digit[static_cast<std::size_t>(y * side + x)];
        ++count;
      }
  return sum > 128 * count;
}

}  // namespace lenet5
