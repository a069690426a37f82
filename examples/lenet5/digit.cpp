// SPDX-License-Identifier: MIT
#include "digit.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>

#include <typenet/core/error.hpp>

#if defined(TYPENET_HAS_STB)
namespace {
/// Memory for stb, but no more than an image of `most_pixels` takes, whatever a file claims. New memory is zero: before version 2.28, stb
/// does not notice that a PGM or PPM file has fewer pixels than its header says.
void* limited_memory(void* old, std::size_t bytes) {
  if (bytes > (std::size_t{1} << 28)) return nullptr;
  return old == nullptr ? std::calloc(1, bytes) : std::realloc(old, bytes);
}
}  // namespace
#define STBI_MALLOC(bytes) limited_memory(nullptr, bytes)
#define STBI_REALLOC(old, bytes) limited_memory(old, bytes)
#define STBI_FREE(memory) std::free(memory)
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
#if defined(TYPENET_HAS_STB)
namespace {

constexpr std::uintmax_t most_bytes = std::uintmax_t{64} << 20;  // of an image file
constexpr long long most_pixels = 1LL << 25;                     // of an image

/// Whether a JPEG file has a Huffman table of more than 256 codes, beyond which stb before 2.28 writes out of bounds. A table is looked for
/// after each marker, FF C4: the length of the segment in two bytes, then for each table a byte, 16 counts, and as many bytes as they sum
/// to.
bool has_oversized_codes(const std::vector<unsigned char>& bytes) {
  const auto byte = [&](std::size_t at) { return at < bytes.size() ? std::size_t{bytes[at]} : 0; };
  if (byte(0) != 0xFF) return false;
  for (std::size_t marker = 0; marker < bytes.size(); ++marker) {
    if (byte(marker) != 0xFF || byte(marker + 1) != 0xC4) continue;
    const std::size_t end = marker + 2 + (byte(marker + 2) << 8) + byte(marker + 3);
    for (std::size_t table = marker + 4; table < end && table < bytes.size();) {
      std::size_t codes = 0;
      for (std::size_t i = 1; i <= 16; ++i) codes += byte(table + i);
      if (codes > 256) return true;
      table += 17 + codes;
    }
  }
  return false;
}

/// Whether the header of a PGM or PPM file has a number of more than nine digits, which stb before 2.28 may let overflow.
bool has_oversized_numbers(const std::vector<unsigned char>& bytes) {
  if (bytes.size() < 2 || bytes[0] != 'P' || (bytes[1] != '5' && bytes[1] != '6')) return false;
  const auto is_digit = [](unsigned char c) { return c >= '0' && c <= '9'; };
  auto at = bytes.begin() + 2;
  for (int numbers = 0; numbers < 3; ++numbers) {
    while (at != bytes.end() && !is_digit(*at)) at = *at == '#' ? std::find(at, bytes.end(), '\n') : at + 1;
    const auto begin = at;
    at = std::find_if_not(at, bytes.end(), is_digit);
    if (at - begin > 9) return true;
  }
  return false;
}

}  // namespace
#endif

std::vector<std::uint8_t> read_digit([[maybe_unused]] const std::filesystem::path& file, [[maybe_unused]] bool invert) {
#if defined(TYPENET_HAS_STB)
  const auto fail = [&](const std::string& what) { throw typenet::file_error(file.string() + ": " + what); };
  std::error_code failure;
  const std::filesystem::file_status status = std::filesystem::status(file, failure);
  if (!std::filesystem::exists(status)) fail("cannot be read: " + failure.message());
  if (!std::filesystem::is_regular_file(status)) fail("cannot be read: it is no regular file");
  if (std::filesystem::file_size(file) > most_bytes) fail("cannot be read: it is larger than 64 MiB, which no image of a digit is");
  std::ifstream in{file, std::ios::binary};
  const std::vector<unsigned char> bytes{std::istreambuf_iterator<char>{in}, {}};
  if (!in) fail("cannot be read");
  if (has_oversized_codes(bytes)) fail("not an image that can be read: Corrupt JPEG");
  if (has_oversized_numbers(bytes)) fail("not an image that can be read: its header has a number of more than nine digits");
  int width = 0, height = 0, channels = 0;
  // A small file may claim a huge image; reading takes memory and time for each pixel.
  if (stbi_info_from_memory(bytes.data(), static_cast<int>(bytes.size()), &width, &height, &channels) != 0) {
    if (static_cast<long long>(width) * height > most_pixels)
      fail("cannot be read: it claims " + std::to_string(width) + " x " + std::to_string(height) + " pixels, more than " +
           std::to_string(most_pixels));
  }
  const std::unique_ptr<unsigned char, void (*)(void*)> pixels{
      stbi_load_from_memory(bytes.data(), static_cast<int>(bytes.size()), &width, &height, &channels, 1), &stbi_image_free};
  if (pixels && (width < 1 || height < 1)) fail("not an image that can be read: it has no pixels");
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
