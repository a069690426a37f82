// SPDX-License-Identifier: MIT
/// @file
/// What a trainer needs to know of data: the `dataset` concept, data sets held in memory, their views that a device can read, and how to
/// take a data set apart.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/core/random.hpp>
#include <typenet/core/shape.hpp>

namespace typenet {

/// How a sample is asked for. With the sample's index it fixes every random choice made in reading it.
struct sample_key {
  typenet::seed seed{};     ///< of the run
  std::uint32_t epoch = 0;  ///< the same sample is augmented anew in every epoch
  bool augment = true;      ///< false: as it is evaluated, without random transforms

  /// For validation, evaluation and prediction: nothing random.
  [[nodiscard]] static constexpr sample_key evaluation() { return {.seed = {}, .epoch = 0, .augment = false}; }
};

/// Labelled samples of one static shape, in memory and addressed by index.
///
/// `D::sample_shape` and `D::classes` are compile-time constants. `read(i, key, out)` writes sample `i` (0 <= i < size()),
/// `sample_shape.size()` numbers as [channel][row][column], transformed and, if `key.augment`, augmented. `label(i)` is a class,
/// 0 to classes - 1. Both may be called by several threads at once, and their results depend on nothing but their arguments.
template <class D>
concept dataset = requires(const D& d, index i, const sample_key& key, std::span<float> out) {
  { D::sample_shape } -> std::convertible_to<shape>;
  { D::classes } -> std::convertible_to<int>;
  typename std::bool_constant<(D::sample_shape.size() > 0 && D::classes > 0)>;
  { d.size() } -> std::same_as<index>;
  { d.read(i, key, out) } -> std::same_as<void>;
  { d.label(i) } -> std::same_as<int>;
};

/// An upload that leaves every array where it is: `data.view(host_upload{})` reads the data set's own memory.
struct host_upload {
  template <class T>
  [[nodiscard]] constexpr const T* operator()(std::span<const T> values) const {
    return values.data();
  }
};

namespace detail {

/// What `resident_dataset` asks of a view.
template <class V>
concept sample_view = std::is_trivially_copyable_v<V> && requires(const V& v, index i, const sample_key& key, float* out) {
  { V::sample_shape } -> std::convertible_to<shape>;
  { v.size() } -> std::same_as<index>;
  { v.label(i) } -> std::same_as<int>;
  { v.key_of(i) } -> std::same_as<std::uint32_t>;
  { v.read(i, key, out) } -> std::same_as<void>;
};

}  // namespace detail

/// A data set that can lie in a device's memory and be read there. The library's own can; of a user's, those that add a view.
///
/// `view(upload)` hands each of its arrays as a `std::span<const T>`, T a number, to `upload`, which puts it where the view shall be read
/// and returns where that is, a `const T*`. The same array may be handed over more than once, and the same address returned. The view
/// returned is a trivially copyable object that reads those copies alone; with `host_upload` it reads the data set's own memory, and must
/// not outlive it. All that a view `v` does is marked TYPENET_HD:
///
/// - `V::sample_shape` is the data set's; `v.size()` and `v.label(i)` say what the data set's do;
/// - `v.read(i, key, out)` assigns the numbers that the data set's `read` writes to `out[0]` … `out[sample_shape.size() - 1]`, each of them
///   once, and reads none of them back. `out` is a `float*`, or a trivially copyable object whose `operator[](index)` returns something
///   that a float can be assigned to;
/// - `v.key_of(i)`, a `std::uint32_t`, is the number that the augmentation of sample i is keyed by: its index, or that in the whole for a
///   subset.
template <class D>
concept resident_dataset = dataset<D> && requires(const D& d) {
  { d.view(host_upload{}) } -> detail::sample_view;
  requires std::remove_cvref_t<decltype(d.view(host_upload{}))>::sample_shape == D::sample_shape;
};

/// A data set that also has its samples as stored bytes: `bytes(i)` is `sample_shape.size()` grey levels, [channel][row][column].
template <class D>
concept byte_image_dataset = dataset<D> && requires(const D& d, index i) {
  { d.bytes(i) } -> std::same_as<std::span<const std::uint8_t>>;
};

namespace detail {

/// "1x28x28", or "784" for a vector.
[[nodiscard]] inline std::string to_text(shape s) {
  std::string text = std::to_string(s.channels());
  for (int axis = 1; axis < s.rank; ++axis) text.append("x").append(std::to_string(s[axis]));
  return text;
}

/// Throws Error unless every label is a class. @param who starts the message: a type or a file
template <class Error = argument_error, class Label>
void check_labels(const std::string& who, std::span<const Label> labels, int classes) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const int label = static_cast<int>(labels[i]);
    if (label < 0 || label >= classes)
      throw Error{who + ": label " + std::to_string(label) + " of sample " + std::to_string(i) + " is not a class; expected 0 to " +
                  std::to_string(classes - 1)};
  }
}

inline void check_count(const std::string& who, shape sample, std::size_t values, std::size_t labels) {
  const auto size = static_cast<std::size_t>(sample.size());
  // Divided, not multiplied: no count can overflow.
  if (values % size != 0 || values / size != labels)
    throw argument_error{who + ": " + std::to_string(labels) + " labels need as many samples of " + to_text(sample) + " = " +
                         std::to_string(size) + " values each, found " + std::to_string(values) + " values"};
}

/// What a device reads of a tensor_dataset.
template <shape Shape>
struct tensor_view {
  static constexpr shape sample_shape = Shape;

  const float* values;
  const int* labels;
  index count;

  [[nodiscard]] TYPENET_HD index size() const { return count; }
  [[nodiscard]] TYPENET_HD int label(index i) const { return labels[i]; }
  [[nodiscard]] TYPENET_HD std::uint32_t key_of(index i) const { return static_cast<std::uint32_t>(i); }
  template <class Out>
  TYPENET_HD void read(index i, const sample_key&, Out out) const {
    constexpr int size = Shape.size();
    const float* const sample = values + i * size;
    if constexpr (std::is_same_v<Out, float*>) {
      std::memcpy(out, sample, size * sizeof(float));
    } else {
      for (int p = 0; p < size; ++p) out[p] = sample[p];
    }
  }
};

/// What a device reads of an image_dataset.
template <shape Shape>
struct image_view {
  static constexpr shape sample_shape = Shape;

  const std::uint8_t* pixels;
  const int* labels;
  index count;

  [[nodiscard]] TYPENET_HD index size() const { return count; }
  [[nodiscard]] TYPENET_HD int label(index i) const { return labels[i]; }
  [[nodiscard]] TYPENET_HD std::uint32_t key_of(index i) const { return static_cast<std::uint32_t>(i); }
  template <class Out>
  TYPENET_HD void read(index i, const sample_key&, Out out) const {
    constexpr int size = Shape.size();
    const std::uint8_t* const sample = pixels + i * size;
    for (int p = 0; p < size; ++p) out[p] = static_cast<float>(sample[p]) / 255.0f;
  }
};

/// What a device reads of a subset: the view of the whole, and which samples are meant.
template <sample_view Whole>
struct subset_view {
  static constexpr shape sample_shape = Whole::sample_shape;

  Whole whole;
  const index* indices;
  index count;

  [[nodiscard]] TYPENET_HD index size() const { return count; }
  [[nodiscard]] TYPENET_HD int label(index i) const { return whole.label(indices[i]); }
  [[nodiscard]] TYPENET_HD std::uint32_t key_of(index i) const { return whole.key_of(indices[i]); }
  template <class Out>
  TYPENET_HD void read(index i, const sample_key& key, Out out) const {
    whole.read(indices[i], key, out);
  }
};

}  // namespace detail

/// Samples given as numbers: the user's own arrays.
template <shape Shape, int Classes>
  requires(Shape.size() > 0 && Classes > 0)
class tensor_dataset {
 public:
  static constexpr shape sample_shape = Shape;
  static constexpr int classes = Classes;

  /// @param values sample after sample, each [channel][row][column]
  /// @param labels one per sample, 0 .. Classes - 1
  /// @throws argument_error if the counts disagree or a label is not a class
  tensor_dataset(std::vector<float> values, std::vector<int> labels) : values_{std::move(values)}, labels_{std::move(labels)} {
    detail::check_count("tensor_dataset", Shape, values_.size(), labels_.size());
    detail::check_labels("tensor_dataset", std::span<const int>{labels_}, Classes);
  }

  [[nodiscard]] index size() const { return static_cast<index>(labels_.size()); }
  [[nodiscard]] int label(index i) const { return view(host_upload{}).label(i); }
  void read(index i, const sample_key& key, std::span<float> out) const { view(host_upload{}).read(i, key, out.data()); }
  /// As `resident_dataset` says.
  template <class Upload>
  [[nodiscard]] detail::tensor_view<Shape> view(const Upload& upload) const {
    return {upload(std::span<const float>{values_}), upload(std::span<const int>{labels_}), size()};
  }

 private:
  std::vector<float> values_;
  std::vector<int> labels_;
};

/// Images given as bytes, as most image files hold them. Read directly they are divided by 255; transforms.hpp makes more of them.
template <shape Shape, int Classes>
  requires(Shape.rank == 3 && Shape.size() > 0 && Classes > 0)
class image_dataset {
 public:
  static constexpr shape sample_shape = Shape;
  static constexpr int classes = Classes;

  /// @param pixels image after image, each [channel][row][column]
  /// @param labels one per image, 0 .. Classes - 1
  /// @throws argument_error if the counts disagree or a label is not a class
  image_dataset(std::vector<std::uint8_t> pixels, std::vector<int> labels) : pixels_{std::move(pixels)}, labels_{std::move(labels)} {
    detail::check_count("image_dataset", Shape, pixels_.size(), labels_.size());
    detail::check_labels("image_dataset", std::span<const int>{labels_}, Classes);
  }

  [[nodiscard]] index size() const { return static_cast<index>(labels_.size()); }
  [[nodiscard]] int label(index i) const { return view(host_upload{}).label(i); }
  [[nodiscard]] std::span<const std::uint8_t> bytes(index i) const {
    return {pixels_.data() + i * Shape.size(), static_cast<std::size_t>(Shape.size())};
  }
  void read(index i, const sample_key& key, std::span<float> out) const { view(host_upload{}).read(i, key, out.data()); }
  /// As `resident_dataset` says.
  template <class Upload>
  [[nodiscard]] detail::image_view<Shape> view(const Upload& upload) const {
    return {upload(std::span<const std::uint8_t>{pixels_}), upload(std::span<const int>{labels_}), size()};
  }

 private:
  std::vector<std::uint8_t> pixels_;
  std::vector<int> labels_;
};

/// Some samples of a data set, in an order of its own, as torch.utils.data.Subset. A view: the data set must outlive it; `transformed` of
/// one makes a copy, of these samples alone. Augmentation follows a sample's index in the whole, so a sample is augmented alike in
/// whichever subset it is read.
template <dataset D>
class subset {
 public:
  static constexpr shape sample_shape = D::sample_shape;
  static constexpr int classes = D::classes;

  /// @throws argument_error if an index is not of `whole`
  subset(const D& whole, std::vector<index> indices) : whole_{&whole}, indices_{std::move(indices)} {
    for (const index i : indices_) {
      if (i < 0 || i >= whole.size())
        throw argument_error{"subset: sample " + std::to_string(i) + " of a data set of " + std::to_string(whole.size())};
    }
  }
  subset(const D&& whole, std::vector<index> indices) = delete;  // would dangle

  [[nodiscard]] index size() const { return static_cast<index>(indices_.size()); }
  [[nodiscard]] int label(index i) const { return whole_->label(at(i)); }
  void read(index i, const sample_key& key, std::span<float> out) const { whole_->read(at(i), key, out); }
  [[nodiscard]] std::span<const std::uint8_t> bytes(index i) const
    requires byte_image_dataset<D>
  {
    return whole_->bytes(at(i));
  }
  /// As `resident_dataset` says. The whole is uploaded with it, however few of its samples these are.
  template <class Upload>
    requires resident_dataset<D>
  [[nodiscard]] auto view(const Upload& upload) const {
    return detail::subset_view<decltype(whole_->view(upload))>{whole_->view(upload), upload(std::span<const index>{indices_}), size()};
  }
  /// Which samples of the whole these are.
  [[nodiscard]] std::span<const index> indices() const { return indices_; }

 private:
  [[nodiscard]] index at(index i) const { return indices_[static_cast<std::size_t>(i)]; }

  const D* whole_;
  std::vector<index> indices_;
};

}  // namespace typenet
