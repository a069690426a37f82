// SPDX-License-Identifier: MIT
/// @file
/// Readers of IDX files, the format of MNIST (http://yann.lecun.com/exdb/mnist): a magic number, big-endian extents, big-endian values;
/// plain or gzip-compressed. They need zlib.
///
/// A file may be damaged or hostile. Memory grows with the bytes read, never with what a header claims. Every mistake is a `file_error`
/// that says what is wrong.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>

namespace typenet {

/// Element types. The values are their codes in a file.
enum class idx_type : std::uint8_t { uint8 = 0x08, int8 = 0x09, int16 = 0x0B, int32 = 0x0C, float32 = 0x0D, float64 = 0x0E };

/// A C++ type that an IDX file can hold.
template <class T>
concept idx_element = std::same_as<T, std::uint8_t> || std::same_as<T, std::int8_t> || std::same_as<T, std::int16_t> ||
                      std::same_as<T, std::int32_t> || std::same_as<T, float> || std::same_as<T, double>;

/// The header of an IDX file.
struct idx_header {
  idx_type type{};
  std::vector<std::uint32_t> extents;  ///< [axis], the outermost first; at least one
};

/// The contents of an IDX file.
template <idx_element T>
struct idx_array {
  std::vector<std::uint32_t> extents;  ///< [axis], the outermost first; at least one
  std::vector<T> values;               ///< in row-major order, as many as the product of the extents
};

namespace detail {

/// The element type of T.
template <idx_element T>
[[nodiscard]] constexpr idx_type idx_type_of() {
  if constexpr (std::same_as<T, std::uint8_t>) return idx_type::uint8;
  if constexpr (std::same_as<T, std::int8_t>) return idx_type::int8;
  if constexpr (std::same_as<T, std::int16_t>) return idx_type::int16;
  if constexpr (std::same_as<T, std::int32_t>) return idx_type::int32;
  if constexpr (std::same_as<T, float>) return idx_type::float32;
  if constexpr (std::same_as<T, double>) return idx_type::float64;
}

/// The properties of an element type.
struct idx_type_info {
  const char* name;  ///< in messages
  unsigned bytes;    ///< bytes of one element
};

/// The properties of an element type, or nothing where the code is none.
[[nodiscard]] inline std::optional<idx_type_info> info_of(idx_type type) {
  switch (type) {
    case idx_type::uint8: return {{"unsigned bytes", 1}};
    case idx_type::int8: return {{"signed bytes", 1}};
    case idx_type::int16: return {{"16-bit integers", 2}};
    case idx_type::int32: return {{"32-bit integers", 4}};
    case idx_type::float32: return {{"floats", 4}};
    case idx_type::float64: return {{"doubles", 8}};
  }
  return std::nullopt;
}

/// A file that is read once from start to end. It is decompressed where it starts with gzip's magic number, and may then consist of several
/// gzip streams. Damage to a stream, and bytes after the last one that are no stream, are errors.
class byte_reader {
 public:
  /// @throws file_error if the file cannot be opened or read
  explicit byte_reader(const std::filesystem::path& path) : name_{path.string()} {
    // Opening a pipe would wait for a writer.
    std::error_code failure;
    const std::filesystem::file_status status = std::filesystem::status(path, failure);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) fail("cannot be read: it is not a regular file");
    file_.reset(std::fopen(name_.c_str(), "rb"));
    if (!file_) fail(std::string{"cannot be opened: "} + std::strerror(errno));
    refill();
    compressed_ = available_.size() >= 2 && available_[0] == 0x1f && available_[1] == 0x8b;
    if (compressed_ && inflateInit2(&zlib_, 15 + 16) != Z_OK) fail("cannot be decompressed: out of memory");
    if (!compressed_) {
      std::error_code none;
      const std::uintmax_t size = std::filesystem::file_size(path, none);
      if (!none) size_ = size;
    }
  }
  byte_reader(const byte_reader&) = delete;
  byte_reader& operator=(const byte_reader&) = delete;
  ~byte_reader() {
    if (compressed_) inflateEnd(&zlib_);
  }

  /// Fills `out` with the next bytes.
  /// @returns the number of bytes read: below `out.size()` only at the end of the file
  /// @throws file_error if the file cannot be read or its compressed data is damaged
  std::size_t read(std::span<std::byte> out) {
    std::size_t done = 0;
    while (done < out.size()) {
      const std::size_t step = compressed_ ? inflate_some(out.subspan(done)) : copy_some(out.subspan(done));
      if (step == 0) break;
      done += step;
    }
    total_ += done;
    return done;
  }

  /// The number of bytes read so far, after decompression.
  [[nodiscard]] std::uint64_t total() const { return total_; }
  /// The size of the file in bytes, or nothing where it is compressed or unknown.
  [[nodiscard]] std::optional<std::uint64_t> size() const { return size_; }
  /// Throws a `file_error` that begins with the name of the file.
  [[noreturn]] void fail(const std::string& what) const { throw file_error{name_ + ": " + what}; }

 private:
  /// Reads the next part of the file into the buffer; leaves `available_` empty at the end.
  void refill() {
    errno = 0;
    const std::size_t got = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
    if (std::ferror(file_.get()) != 0) fail(std::string{"cannot be read: "} + std::strerror(errno));
    available_ = std::span{buffer_}.first(got);
  }

  /// Copies bytes of an uncompressed file. @returns their number: 0 at the end
  std::size_t copy_some(std::span<std::byte> out) {
    if (available_.empty()) refill();
    const std::size_t step = std::min(out.size(), available_.size());
    if (step != 0) std::memcpy(out.data(), available_.data(), step);
    available_ = available_.subspan(step);
    return step;
  }

  /// Decompresses bytes. @returns their number: 0 at the end
  std::size_t inflate_some(std::span<std::byte> out) {
    const std::size_t capacity = std::min<std::size_t>(out.size(), std::numeric_limits<uInt>::max());
    zlib_.next_out = reinterpret_cast<Bytef*>(out.data());
    zlib_.avail_out = static_cast<uInt>(capacity);
    for (;;) {
      if (available_.empty()) refill();
      if (between_streams_) {
        if (available_.empty()) return 0;  // the end of the file, after a complete stream
        inflateReset(&zlib_);              // the next stream of the file
        between_streams_ = false;
      }
      if (available_.empty()) fail("its gzip data ends early: the file is cut short");
      zlib_.next_in = available_.data();
      zlib_.avail_in = static_cast<uInt>(available_.size());
      const int status = inflate(&zlib_, Z_NO_FLUSH);
      available_ = available_.last(zlib_.avail_in);
      between_streams_ = status == Z_STREAM_END;
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        fail(std::string{"its gzip data is damaged: "} + (zlib_.msg != nullptr ? zlib_.msg : zError(status)));
      if (zlib_.avail_out < capacity) return capacity - zlib_.avail_out;
    }
  }

  std::string name_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{nullptr, &std::fclose};
  std::array<unsigned char, 1 << 16> buffer_{};
  std::span<unsigned char> available_;  ///< the bytes of the buffer that are still to be used
  z_stream zlib_{};
  bool compressed_ = false;
  bool between_streams_ = false;  ///< true where a gzip stream has ended
  std::uint64_t total_ = 0;
  std::optional<std::uint64_t> size_;
};

/// Reads the header from the start of a file.
/// @throws file_error if it is malformed
inline idx_header read_idx_header(byte_reader& file) {
  const auto require = [&](std::span<std::byte> out, const char* what) {
    if (file.read(out) < out.size())
      file.fail(std::string{"expected an IDX file, but it ends after "} + std::to_string(file.total()) + " bytes, inside its " + what);
  };
  std::array<std::byte, 4> magic;
  require(magic, "4-byte magic number");
  idx_header header{static_cast<idx_type>(magic[2]), {}};
  if (magic[0] != std::byte{0} || magic[1] != std::byte{0} || !info_of(header.type)) {
    std::array<char, 3 * 4> found{};
    std::snprintf(found.data(), found.size(), "%02x %02x %02x %02x", std::to_integer<unsigned>(magic[0]),
                  std::to_integer<unsigned>(magic[1]), std::to_integer<unsigned>(magic[2]), std::to_integer<unsigned>(magic[3]));
    file.fail(std::string{"not an IDX file: it starts with "} + found.data() +
              ", expected 00 00, an element type (08, 09, 0b, 0c, 0d or 0e) and the number of dimensions");
  }
  if (magic[3] == std::byte{0}) file.fail("its header claims no dimensions, expected at least one");
  for (unsigned axis = 0; axis < std::to_integer<unsigned>(magic[3]); ++axis) {
    std::array<std::byte, 4> extent;
    require(extent, "dimensions");
    std::uint32_t value = 0;
    for (const std::byte b : extent) value = value << 8 | std::to_integer<std::uint32_t>(b);
    header.extents.push_back(value);
  }
  return header;
}

/// The extents as text: "60000 images of 28x28", "60000 values", "3x4x5x6 values".
[[nodiscard]] inline std::string describe(const std::vector<std::uint32_t>& extents) {
  const auto joined = [&](std::size_t first) {
    std::string text;
    for (std::size_t axis = first; axis < extents.size(); ++axis)
      text.append(axis == first ? "" : "x").append(std::to_string(extents[axis]));
    return text;
  };
  if (extents.size() == 3) return std::to_string(extents[0]) + " images of " + joined(1);
  return joined(0) + " values";
}

/// The product of the extents, or nothing where its bytes are more than 2^62.
[[nodiscard]] inline std::optional<std::uint64_t> count_values(const std::vector<std::uint32_t>& extents, unsigned element_bytes) {
  if (std::find(extents.begin(), extents.end(), 0u) != extents.end()) return 0;
  constexpr std::uint64_t limit = std::uint64_t{1} << 62;  // so that adding the header's bytes cannot overflow
  std::uint64_t count = 1;
  for (const std::uint32_t extent : extents) {
    if (count > limit / element_bytes / extent) return std::nullopt;
    count *= extent;
  }
  return count;
}

/// Converts numbers from big-endian to the order of this machine's bytes, in place.
template <class T>
void from_big_endian(std::span<T> values) {
  if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::little) {
    for (T& value : values) {
      auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
      std::reverse(bytes.begin(), bytes.end());
      value = std::bit_cast<T>(bytes);
    }
  }
}

}  // namespace detail

/// Reads the header of an IDX file, plain or gzip-compressed.
/// @throws file_error if the file cannot be read or its header is malformed
[[nodiscard]] inline idx_header read_idx_header(const std::filesystem::path& path) {
  detail::byte_reader file{path};
  return detail::read_idx_header(file);
}

/// Reads an IDX file, plain or gzip-compressed. The content decides which, not the name.
/// @tparam T type of the elements
/// @throws file_error if the file cannot be read, is malformed, holds another type, is shorter or longer than its header says, or needs
/// more memory than there is
template <idx_element T>
[[nodiscard]] idx_array<T> read_idx(const std::filesystem::path& path) {
  detail::byte_reader file{path};
  idx_header header = detail::read_idx_header(file);
  if (header.type != detail::idx_type_of<T>())
    file.fail(std::string{"expected "} + detail::info_of(detail::idx_type_of<T>())->name + ", found " + detail::info_of(header.type)->name);

  const std::string wanted = detail::describe(header.extents);
  const std::optional<std::uint64_t> count = detail::count_values(header.extents, sizeof(T));
  if (!count) file.fail("its header claims " + wanted + ", more than any file can hold");
  const std::uint64_t expected = file.total() + *count * sizeof(T);
  const auto wrong_length = [&](const std::string& found) {
    file.fail("expected " + std::to_string(expected) + " bytes for " + wanted + ", found " + found);
  };
  if (file.size() && *file.size() != expected) wrong_length(std::to_string(*file.size()));

  // The length of a compressed file is known at its end alone. Memory grows by as much as has been read, so at most twofold.
  idx_array<T> result{std::move(header.extents), {}};
  constexpr std::uint64_t chunk = (std::uint64_t{1} << 20) / sizeof(T);
  while (result.values.size() < *count) {
    const std::size_t have = result.values.size();
    const std::size_t step = static_cast<std::size_t>(std::min<std::uint64_t>(*count - have, std::max<std::uint64_t>(chunk, have)));
    try {
      result.values.resize(have + step);
    } catch (const std::bad_alloc&) {
      file.fail("no memory for " + wanted + ", " + std::to_string(*count * sizeof(T)) + " bytes");
    }
    if (file.read(std::as_writable_bytes(std::span{result.values}.subspan(have))) < step * sizeof(T))
      wrong_length(std::to_string(file.total()));
  }
  // Reading up to the end also verifies gzip's checksum.
  std::byte beyond;
  if (file.read({&beyond, 1}) != 0) wrong_length("more");
  detail::from_big_endian(std::span{result.values});
  return result;
}

}  // namespace typenet
