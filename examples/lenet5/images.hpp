// SPDX-License-Identifier: MIT
// The images that a run trains and tests with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <typenet/core/error.hpp>
#include <typenet/data.hpp>

#include "settings.hpp"

namespace lenet5 {

namespace tn = typenet;

inline tn::mnist_dataset load(const settings& s, tn::mnist_split split) {
  return s.dataset == "mnist" ? tn::load_mnist(split, s.data) : tn::load_fashion_mnist(split, s.data);
}
/// Selects the images with the indices `which`, in that order.
inline tn::mnist_dataset choose(const tn::mnist_dataset& images, const std::vector<tn::index>& which) {
  std::vector<std::uint8_t> pixels;
  std::vector<int> labels;
  pixels.reserve(which.size() * static_cast<std::size_t>(tn::mnist_dataset::sample_shape.size()));
  for (const tn::index i : which) {
    const auto bytes = images.bytes(i);
    pixels.insert(pixels.end(), bytes.begin(), bytes.end());
    labels.push_back(images.label(i));
  }
  return {std::move(pixels), std::move(labels)};
}

/// The training images and the test images of one run.
struct images_of_run {
  tn::mnist_dataset training, testing;
  std::vector<tn::index> tested;  ///< indices in the test split of the images in `testing`; empty: all, in order
};
/// Loads the images that a recipe uses.
/// @param s if `held_out` is positive, this number of training images is removed from training and used as the test images
/// @throws typenet::argument_error if holding them out leaves no image to train on
template <class Recipe>
images_of_run images_for(const Recipe& recipe, const settings& s, tn::seed seed) {
  const auto chosen = [&](tn::mnist_split split) {
    tn::mnist_dataset all = load(s, split);
    std::vector<tn::index> which = recipe.choice(split, all.size(), seed);
    if (!which.empty()) all = choose(all, which);
    return std::pair{std::move(all), std::move(which)};
  };
  auto training = chosen(tn::mnist_split::train).first;
  if (s.held_out > 0) {
    if (s.held_out >= training.size())
      throw tn::argument_error("--hold-out " + std::to_string(s.held_out) + " leaves no image to train on; of " +
                               std::to_string(training.size()) + " training images at most " + std::to_string(training.size() - 1) +
                               " can be held out");
    // The split is independent of the seed of the run.
    const auto parts = tn::stratified_split(training, s.held_out, tn::seed{0});
    const auto copy = [&](const auto& part) { return choose(training, {part.indices().begin(), part.indices().end()}); };
    return {copy(parts.train), copy(parts.held_out), {}};
  }
  auto [testing, which] = chosen(tn::mnist_split::test);
  return {std::move(training), std::move(testing), std::move(which)};
}

}  // namespace lenet5
