// SPDX-License-Identifier: MIT
/// @file
/// A folder for the files of one test.
#pragma once

#include <filesystem>
#include <random>
#include <string>
#include <system_error>

/// A temporary folder. The constructor creates it empty; the destructor removes it with its contents.
class scratch_folder {
 public:
  scratch_folder() : path_{std::filesystem::temp_directory_path() / ("typenet-test-" + std::to_string(std::random_device{}()))} {
    std::filesystem::create_directory(path_);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  friend std::filesystem::path operator/(const scratch_folder& folder, const std::filesystem::path& name) { return folder.path_ / name; }

 private:
  std::filesystem::path path_;
};
