// SPDX-License-Identifier: MIT
/// @file
/// Networks, data and comparisons for tests that compare the Thrust backend with the Eigen backend. Types that kernels use are at namespace
/// scope, as nvcc requires. Memory of a backend is accessed by copies only, so that the tests also run on a device.
#pragma once

#include <typenet/thrust.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <typenet/data/transforms.hpp>

namespace on_thrust {

namespace tn = typenet;

/// A small image classifier with dropout and batch norm.
using classifier = tn::network<tn::input<1, 8, 8>, tn::conv2d<6, 3>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>, tn::flatten,
                               tn::dropout<0.2>, tn::linear<20>, tn::relu, tn::linear<4>>;
/// A classifier without dropout and batch norm: the outputs of a sample depend on this sample only, and training is smooth.
using smooth = tn::network<tn::input<1, 8, 8>, tn::conv2d<4, 3>, tn::tanh, tn::avg_pool2d<2>, tn::flatten, tn::linear<4>>;

using bars_set = tn::tensor_dataset<tn::shape{1, 8, 8}, 4>;

/// Returns blurred images of bars at one of four places, with noise. A network can learn them, but not trivially.
inline bars_set bars(int count, std::uint32_t tag) {
  std::vector<float> images;
  std::vector<int> labels;
  tn::random_sequence random{tn::counter_rng{tn::seed{11}, tn::random_stream::user}, 0, tag};
  for (int i = 0; i < count; ++i) {
    const int label = static_cast<int>(random.below(4));
    labels.push_back(label);
    for (int y = 0; y < 8; ++y)
      for (int x = 0; x < 8; ++x) images.push_back((y / 2 == label ? 1.0f : 0.0f) + random.uniform(-1.0f, 1.0f));
  }
  return bars_set{std::move(images), std::move(labels)};
}

/// Returns byte images of bars. They are resized, then rotated and changed in brightness and contrast in every epoch.
/// @param more further random transforms
template <class... Transforms>
auto turned_bars(int count, std::uint32_t tag, const Transforms&... more) {
  std::vector<std::uint8_t> pixels;
  std::vector<int> labels;
  tn::random_sequence random{tn::counter_rng{tn::seed{12}, tn::random_stream::user}, 0, tag};
  for (int i = 0; i < count; ++i) {
    const int label = static_cast<int>(random.below(4));
    labels.push_back(label);
    for (int y = 0; y < 6; ++y)
      for (int x = 0; x < 6; ++x) pixels.push_back(static_cast<std::uint8_t>((y == label + 1 ? 150 : 0) + random.below(100)));
  }
  return tn::transformed(tn::image_dataset<tn::shape{1, 6, 6}, 4>{std::move(pixels), std::move(labels)}, tn::resize<8, 8>{},
                         tn::random_rotation{20.0f}, tn::color_jitter{.brightness = 0.3f, .contrast = 0.3f}, more...,
                         tn::normalize{0.3f, 0.25f});
}

/// A user-defined data set without a view, which no device can read. Its samples change with the epoch.
struct host_only {
  static constexpr tn::shape sample_shape{1, 8, 8};
  static constexpr int classes = 4;
  bars_set samples;

  [[nodiscard]] tn::index size() const { return samples.size(); }
  [[nodiscard]] int label(tn::index i) const { return samples.label(i); }
  void read(tn::index i, const tn::sample_key& key, std::span<float> out) const {
    samples.read(i, key, out);
    if (!key.augment) return;
    tn::random_sequence random{tn::counter_rng{key.seed, tn::random_stream::user}, key.epoch, static_cast<std::uint32_t>(i)};
    for (float& v : out) v += random.uniform(-0.1f, 0.1f);
  }
};
static_assert(tn::dataset<host_only> && !tn::resident_dataset<host_only>);

/// A user-defined data set with a view. Its samples are computed in `read`.
struct made_up {
  struct made_up_view {
    static constexpr tn::shape sample_shape{1, 8, 8};
    tn::index count;

    [[nodiscard]] TYPENET_HD tn::index size() const { return count; }
    [[nodiscard]] TYPENET_HD int label(tn::index i) const { return static_cast<int>(i * 7 / 3 % 4); }
    [[nodiscard]] TYPENET_HD std::uint32_t key_of(tn::index i) const { return static_cast<std::uint32_t>(i); }
    template <class Out>
    TYPENET_HD void read(tn::index i, const tn::sample_key& key, Out out) const {
      tn::random_sequence random{tn::counter_rng{tn::seed{13}, tn::random_stream::user}, key.augment ? key.epoch : 1000, key_of(i)};
      const int bright = label(i);
      for (int p = 0; p < 64; ++p) out[p] = (p / 16 == bright ? 1.0f : 0.0f) + random.uniform(-1.0f, 1.0f);
    }
  };

  static constexpr tn::shape sample_shape{1, 8, 8};
  static constexpr int classes = 4;
  tn::index count;

  [[nodiscard]] tn::index size() const { return count; }
  [[nodiscard]] int label(tn::index i) const { return made_up_view{count}.label(i); }
  void read(tn::index i, const tn::sample_key& key, std::span<float> out) const { made_up_view{count}.read(i, key, out.data()); }
  template <class Upload>
  [[nodiscard]] made_up_view view(const Upload&) const {
    return {count};
  }
};
static_assert(tn::resident_dataset<made_up>);

/// Returns a copy of a backend's array in host memory.
template <class Array>
auto copy_of(const Array& array) {
  std::vector<std::remove_cvref_t<decltype(*array.data())>> values(static_cast<std::size_t>(array.size()));
  array.copy_to(values);
  return values;
}

/// Returns all parameters of a model, then its buffers.
template <class Model>
auto learned(const Model& model) {
  auto all = copy_of(model.parameter_array());
  const auto buffers = copy_of(model.buffer_array());
  all.insert(all.end(), buffers.begin(), buffers.end());
  return all;
}

/// True if two lists have equal numbers to the last bit. The signs of zeros count.
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

/// Returns the largest difference between two lists, relative to the largest number of the second. Returns infinity if a number is not
/// finite or if the lengths differ.
template <class A, class B>
double distance(const A& a, const B& b) {
  double scale = 0, most = 0;
  if (a.size() != b.size()) return HUGE_VAL;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    if (!std::isfinite(x) || !std::isfinite(y)) return HUGE_VAL;
    scale = std::max(scale, std::abs(y));
    most = std::max(most, std::abs(x - y));
  }
  return most == 0 ? 0 : most / scale;
}
inline double distance(double a, double b) { return distance(std::vector{a}, std::vector{b}); }

/// Returns `count` uniform numbers in [-1, 1). They depend only on `tag`.
template <class Scalar = double>
std::vector<Scalar> numbers(std::size_t count, std::uint32_t tag) {
  tn::random_sequence random{tn::counter_rng{tn::seed{5}, tn::random_stream::user}, 0, tag};
  std::vector<Scalar> values(count);
  for (Scalar& v : values) v = static_cast<Scalar>(random.uniform(-1, 1));
  return values;
}

/// Returns all samples of a data set as evaluation reads them, `[sample][element]`.
template <class Scalar, class Data>
std::vector<Scalar> rows_of(const Data& data) {
  constexpr auto size = static_cast<std::size_t>(Data::sample_shape.size());
  std::vector<float> row(size);
  std::vector<Scalar> all;
  for (tn::index i = 0; i < data.size(); ++i) {
    data.read(i, tn::sample_key::evaluation(), row);
    for (const float v : row) all.push_back(static_cast<Scalar>(v));
  }
  return all;
}

}  // namespace on_thrust
