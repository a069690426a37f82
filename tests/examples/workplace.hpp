// SPDX-License-Identifier: MIT
/// @file
/// Runs the program `lenet5` from a shell in a folder with a small generated data set.
#pragma once

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>

#include <typenet/core/random.hpp>

namespace example {
namespace fs = std::filesystem;

inline void write_idx(const fs::path& file, std::initializer_list<int> extents, const std::string& values) {
  std::ofstream out{file, std::ios::binary};
  out.put(0).put(0).put(8).put(static_cast<char>(extents.size()));
  for (const int e : extents)
    for (int shift = 24; shift >= 0; shift -= 8) out.put(static_cast<char>(e >> shift & 255));
  out.write(values.data(), static_cast<std::streamsize>(values.size()));
}

/// A folder with a data set of bright bars. The destructor removes it.
struct workplace {
  explicit workplace(int training = 100, int testing = 40)
      : folder{fs::temp_directory_path() / ("typenet-lenet5-" + std::to_string(getpid()))} {
    fs::create_directories(folder);
    write("train", training);
    write("t10k", testing);
  }
  ~workplace() { fs::remove_all(folder); }

  void write(const std::string& stem, int count) const {
    typenet::random_sequence random{typenet::counter_rng{typenet::seed{1}, typenet::random_stream::user}, 0, 0};
    std::string images, labels;
    for (int i = 0; i < count; ++i) {
      labels.push_back(static_cast<char>(i % 10));
      for (int p = 0; p < 784; ++p) images.push_back(static_cast<char>((p / 28) / 3 == i % 10 ? 200 + random.below(50) : random.below(50)));
    }
    write_idx(folder / (stem + "-images-idx3-ubyte"), {count, 28, 28}, images);
    write_idx(folder / (stem + "-labels-idx1-ubyte"), {count}, labels);
  }

  struct outcome {
    int status;
    std::string text;
  };
#if defined(TYPENET_LENET5)
  /// Runs the program with all recipes.
  [[nodiscard]] outcome run(const std::string& arguments) const { return shell("'" TYPENET_LENET5 "' " + arguments); }
#endif
#if defined(TYPENET_LENET5_SOFTMAX)
  /// Runs the program with the recipe `softmax`.
  [[nodiscard]] outcome softmax(const std::string& arguments) const { return shell("'" TYPENET_LENET5_SOFTMAX "' " + arguments); }
#endif
  [[nodiscard]] outcome shell(const std::string& command) const {
    std::FILE* const pipe = popen(("cd '" + folder.string() + "' && { " + command + "; } 2>&1").c_str(), "r");
    REQUIRE(pipe != nullptr);
    outcome result{0, {}};
    std::array<char, 4096> buffer;
    while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) result.text.append(buffer.data(), n);
    const int status = pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
  }
  void put(const std::string& file, const std::string& text) const {
    fs::create_directories((folder / file).parent_path());
    std::ofstream{folder / file, std::ios::binary} << text;
  }
  [[nodiscard]] std::string bytes(const std::string& file) const {
    std::ifstream in{folder / file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  fs::path folder;
};

inline bool mentions(const std::string& text, std::string_view part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE(text);
  return found;
}

}  // namespace example
