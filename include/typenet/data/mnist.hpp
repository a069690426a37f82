// SPDX-License-Identifier: MIT
/// @file
/// MNIST (LeCun, Cortes, Burges, "The MNIST database of handwritten digits") and Fashion-MNIST (Xiao, Rasul, Vollgraf, "Fashion-MNIST: a
/// novel image dataset for benchmarking machine learning algorithms", 2017): grey images of 28x28 in ten classes, stored as bytes.
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

#include <typenet/core/error.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/data/idx.hpp>
#include <typenet/data/image_dataset.hpp>
#include <typenet/data/stored_samples.hpp>

namespace typenet {

/// The parts of MNIST and of Fashion-MNIST.
enum class mnist_split {
  train,  ///< 60,000 images
  test    ///< 10,000 images
};

/// The data set of MNIST and of Fashion-MNIST: images of 1x28x28 in ten classes.
using mnist_dataset = image_dataset<shape{1, 28, 28}, 10>;

/// Names of the classes of MNIST, [class].
inline constexpr std::array<std::string_view, 10> mnist_class_names{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

/// Names of the classes of Fashion-MNIST, [class].
inline constexpr std::array<std::string_view, 10> fashion_mnist_class_names{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                                                            "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

/// The folder of data sets where a program names none: $TYPENET_DATA, else $XDG_CACHE_HOME/typenet, else $HOME/.cache/typenet. Each data
/// set has a folder of its own in it: `mnist`, `fashion-mnist`.
/// @returns an empty path where none of the variables is set
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

/// The first of the files `<stem>-<kind>`, `<stem>-<kind>.gz`, `<stem>.<kind>` and `<stem>.<kind>.gz` that exists in the folder.
/// @returns an empty path where none exists
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

/// Loads a data set in the format of MNIST.
/// @param set name of the data set, of its folder and of the script's argument
/// @param folder holds the files; where empty, `data_folder() / set`
/// @throws file_error if a file is missing or does not hold the images or labels expected
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

  // The headers come first: a small compressed file may hold far more than a data set does.
  const std::vector<std::uint32_t> image_extents = typenet::read_idx_header(images_path).extents;
  const std::vector<std::uint32_t> label_extents = typenet::read_idx_header(labels_path).extents;
  constexpr shape sample = mnist_dataset::sample_shape;
  if (image_extents.size() != 3 || image_extents[1] != sample.height() || image_extents[2] != sample.width() || image_extents[0] == 0)
    throw file_error{images_path.string() + ": expected images of 28x28, found " + describe(image_extents)};
  if (label_extents.size() != 1 || label_extents[0] != image_extents[0])
    throw file_error{labels_path.string() + ": expected a label for each of the " + std::to_string(image_extents[0]) + " images in " +
                     images_path.filename().string() + ", found " + describe(label_extents)};
  const idx_array<std::uint8_t> labels = read_idx<std::uint8_t>(labels_path);
  idx_array<std::uint8_t> images = read_idx<std::uint8_t>(images_path);
  check_labels<file_error>(labels_path.string(), std::span{labels.values}, mnist_dataset::classes);
  return {std::move(images.values), std::vector<int>(labels.values.begin(), labels.values.end())};
}

}  // namespace detail

/// Loads MNIST: handwritten digits.
/// @param folder holds the files, plain or .gz; where empty, `data_folder() / "mnist"`
/// @throws file_error if a file is missing or does not hold the images or labels expected
[[nodiscard]] inline mnist_dataset load_mnist(mnist_split split, const std::filesystem::path& folder = {}) {
  return detail::load_mnist_like("mnist", split, folder);
}

/// Loads Fashion-MNIST: pieces of clothing, in the format and under the file names of MNIST.
/// @param folder holds the files, plain or .gz; where empty, `data_folder() / "fashion-mnist"`
/// @throws file_error if a file is missing or does not hold the images or labels expected
[[nodiscard]] inline mnist_dataset load_fashion_mnist(mnist_split split, const std::filesystem::path& folder = {}) {
  return detail::load_mnist_like("fashion-mnist", split, folder);
}

}  // namespace typenet
