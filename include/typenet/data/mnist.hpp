// SPDX-License-Identifier: MIT
/// @file
/// MNIST (LeCun, Cortes, Burges) and Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017): 28x28 grey images of ten classes, kept as bytes.
/// examples/get-data.sh fetches both.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/data/dataset.hpp>
#include <typenet/data/idx.hpp>

namespace typenet {

/// 60,000 images to train on, or 10,000 to test with.
enum class mnist_split { train, test };

/// Ten classes of 28x28 grey levels.
using mnist_dataset = image_dataset<shape{1, 28, 28}, 10>;

/// What the labels of MNIST stand for.
inline constexpr std::array<std::string_view, 10> mnist_class_names{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

/// What the labels of Fashion-MNIST stand for.
inline constexpr std::array<std::string_view, 10> fashion_mnist_class_names{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                                                            "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

/// Where data sets are looked for if no folder is named: $TYPENET_DATA, else $XDG_CACHE_HOME/typenet, else ~/.cache/typenet.
/// Each set has a folder of its own in it: `mnist`, `fashion-mnist`. Empty where none of the variables says.
[[nodiscard]] inline std::filesystem::path data_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path{value != nullptr ? value : ""};
  };
  if (const auto named = variable("TYPENET_DATA"); !named.empty()) return named;
  if (const auto cache = variable("XDG_CACHE_HOME"); cache.is_absolute()) return cache / "typenet";
  if (const auto home = variable("HOME"); !home.empty()) return home / ".cache" / "typenet";
  return {};
}

namespace detail {

/// The file of that kind in whichever of the well-known spellings it is there; empty if in none.
[[nodiscard]] inline std::filesystem::path find_mnist_file(const std::filesystem::path& folder, const std::string& stem,
                                                           const std::string& kind) {
  for (const char* separator : {"-", "."}) {
    for (const char* suffix : {"", ".gz"}) {
      std::filesystem::path candidate = folder / (stem + separator + kind + suffix);
      std::error_code ignored;
      if (std::filesystem::exists(candidate, ignored) && !std::filesystem::is_directory(candidate, ignored)) return candidate;
    }
  }
  return {};
}

[[nodiscard]] inline mnist_dataset load_mnist_like(const std::string& set, mnist_split split, std::filesystem::path folder) {
  const std::string script = "run examples/get-data.sh " + set;
  if (folder.empty()) {
    folder = data_folder();
    if (folder.empty()) throw file_error{set + ": no folder given, and none of TYPENET_DATA, XDG_CACHE_HOME and HOME is set"};
    folder /= set;
  }
  const std::string stem = split == mnist_split::train ? "train" : "t10k";
  const auto find = [&](const std::string& name, const std::string& kind) {
    std::filesystem::path found = find_mnist_file(folder, name, kind);
    if (found.empty())
      throw file_error{folder.string() + ": looked for " + name + "-" + kind + ", plain or .gz, and found none; " + script +
                       ", or name a folder that holds the files"};
    return found;
  };
  const std::filesystem::path images_path = find(stem + "-images", "idx3-ubyte");
  const std::filesystem::path labels_path = find(stem + "-labels", "idx1-ubyte");

  idx_array<std::uint8_t> images = read_idx<std::uint8_t>(images_path);
  constexpr shape sample = mnist_dataset::sample_shape;
  if (images.extents.size() != 3 || images.extents[1] != sample.height() || images.extents[2] != sample.width() || images.extents[0] == 0)
    throw file_error{images_path.string() + ": expected images of 28x28, found " + describe(images.extents)};
  const idx_array<std::uint8_t> labels = read_idx<std::uint8_t>(labels_path);
  if (labels.extents.size() != 1 || labels.extents[0] != images.extents[0])
    throw file_error{labels_path.string() + ": expected a label for each of the " + std::to_string(images.extents[0]) + " images in " +
                     images_path.filename().string() + ", found " + describe(labels.extents)};
  check_labels<file_error>(labels_path.string(), std::span{labels.values}, mnist_dataset::classes);
  return {std::move(images.values), std::vector<int>(labels.values.begin(), labels.values.end())};
}

}  // namespace detail

/// Loads the handwritten digits.
/// @param folder holds the files, plain or .gz; if empty, `data_folder() / "mnist"`
/// @throws file_error if a file is missing or is not what it should be
[[nodiscard]] inline mnist_dataset load_mnist(mnist_split split, const std::filesystem::path& folder = {}) {
  return detail::load_mnist_like("mnist", split, folder);
}

/// Loads the pieces of clothing, which have MNIST's format and file names.
/// @param folder holds the files, plain or .gz; if empty, `data_folder() / "fashion-mnist"`
/// @throws file_error if a file is missing or is not what it should be
[[nodiscard]] inline mnist_dataset load_fashion_mnist(mnist_split split, const std::filesystem::path& folder = {}) {
  return detail::load_mnist_like("fashion-mnist", split, folder);
}

}  // namespace typenet
