// SPDX-License-Identifier: MIT
/// @file
/// image_dataset: images given as bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/data/dataset.hpp>
#include <typenet/data/stored_samples.hpp>

namespace typenet {

namespace detail {

/// The view of an image_dataset.
template <shape Shape>
struct image_view : labeled_view {
  static constexpr shape sample_shape = Shape;

  const std::uint8_t* pixels;  ///< [sample][channel][row][column]: grey levels

  template <class Out>
  TYPENET_HD void read(index i, const sample_key&, Out out) const {
    constexpr int size = Shape.size();
    const std::uint8_t* const sample = pixels + i * size;
    for (int p = 0; p < size; ++p) out[p] = static_cast<float>(sample[p]) / 255.0f;
  }
};

}  // namespace detail

/// A data set of images, stored as bytes as most image files hold them. `read` divides grey levels by 255; `transformed`
/// (data/transforms.hpp) makes data sets of transformed images.
/// @tparam Shape shape of one image: channels x height x width
/// @tparam Classes number of classes
template <shape Shape, int Classes>
  requires(Shape.rank == 3 && Shape.size() > 0 && Classes > 0)
class image_dataset {
 public:
  static constexpr shape sample_shape = Shape;
  static constexpr int classes = Classes;

  /// @param pixels [sample][channel][row][column]: grey levels, 0 to 255
  /// @param labels [sample]: the class of each image, 0 to Classes - 1
  /// @throws argument_error if the counts disagree or a label is not a class
  image_dataset(std::vector<std::uint8_t> pixels, std::vector<int> labels) : pixels_{std::move(pixels)}, labels_{std::move(labels)} {
    detail::check_count("image_dataset", Shape, pixels_.size(), labels_.size());
    detail::check_labels("image_dataset", std::span<const int>{labels_}, Classes);
  }

  [[nodiscard]] index size() const { return static_cast<index>(labels_.size()); }
  [[nodiscard]] int label(index i) const { return view(host_upload{}).label(i); }
  /// Image i as stored: `Shape.size()` grey levels, `[channel][row][column]`.
  [[nodiscard]] std::span<const std::uint8_t> bytes(index i) const {
    return {pixels_.data() + i * Shape.size(), static_cast<std::size_t>(Shape.size())};
  }
  void read(index i, const sample_key& key, std::span<float> out) const { view(host_upload{}).read(i, key, out.data()); }
  /// The view that a device reads (concept `resident_dataset`).
  template <class Upload>
  [[nodiscard]] detail::image_view<Shape> view(const Upload& upload) const {
    return {{upload(std::span<const int>{labels_}), size()}, upload(std::span<const std::uint8_t>{pixels_})};
  }

 private:
  std::vector<std::uint8_t> pixels_;
  std::vector<int> labels_;
};

}  // namespace typenet
