// SPDX-License-Identifier: MIT
/// @file
/// Tools of the data tests: a temporary folder, gzip, IDX headers and environment variables.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace scratch {

using bytes = std::vector<std::uint8_t>;

/// A temporary folder. The destructor removes it with its contents.
class folder {
 public:
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "typenet-data-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"cannot create " + name};
    path_ = name;
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  std::filesystem::path write(std::string_view name, const bytes& content) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream out{file, std::ios::binary};
    out.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
    if (!out.flush()) throw std::runtime_error{"cannot write " + file.string()};
    return file;
  }

 private:
  std::filesystem::path path_;
};

/// Returns the content as one gzip stream.
inline bytes gzip(const bytes& content) {
  z_stream zlib{};
  if (deflateInit2(&zlib, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error{"deflateInit2"};
  bytes out(deflateBound(&zlib, static_cast<uLong>(content.size())));
  zlib.next_in = const_cast<Bytef*>(content.data());
  zlib.avail_in = static_cast<uInt>(content.size());
  zlib.next_out = out.data();
  zlib.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&zlib, Z_FINISH);
  out.resize(zlib.total_out);
  deflateEnd(&zlib);
  if (status != Z_STREAM_END) throw std::runtime_error{"deflate"};
  return out;
}

/// Returns the header of an IDX file.
inline bytes idx_header(std::uint8_t type, const std::vector<std::uint32_t>& extents) {
  bytes out{0, 0, type, static_cast<std::uint8_t>(extents.size())};
  for (const std::uint32_t extent : extents) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(extent >> shift));
  }
  return out;
}

inline bytes operator+(bytes a, const bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Sets an environment variable and restores it in the destructor. The value nullptr unsets the variable.
class variable {
 public:
  variable(const char* name, const char* value) : name_{name} {
    if (const char* before = std::getenv(name)) {
      before_ = before;
      was_set_ = true;
    }
    set(value);
  }
  variable(const variable&) = delete;
  variable& operator=(const variable&) = delete;
  ~variable() { set(was_set_ ? before_.c_str() : nullptr); }

 private:
  void set(const char* value) const { value != nullptr ? setenv(name_.c_str(), value, 1) : unsetenv(name_.c_str()); }

  std::string name_, before_;
  bool was_set_ = false;
};

}  // namespace scratch
