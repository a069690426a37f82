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

/// Puts `count` of the values, drawn without replacement, at the front in the order in which they were drawn.
/// @pre count <= values.size()
template <class T>
void partial_shuffle(std::vector<T>& values, std::size_t count, random_sequence& random) {
  for (std::size_t k = 0; k < count; ++k) std::swap(values[k], values[k + random.below(static_cast<std::uint32_t>(values.size() - k))]);
}

/// The two parts of a split: `auto [train, validation] = stratified_split(set, 10'000, seed{42});`
template <dataset D>
struct split_result {
  subset<D> train;
  subset<D> held_out;
};

/// Holds out `count` samples, each class in proportion to its share, chosen by the seed. Both parts keep the order of the whole.
/// @throws argument_error unless 0 <= count <= size
template <dataset D, std::integral Count>
[[nodiscard]] split_result<D> stratified_split(const D& whole, Count count, seed s) {
  const index size = whole.size();
  if (std::cmp_less(count, 0) || std::cmp_greater(count, size))
    throw argument_error{"stratified_split: cannot hold out " + std::to_string(count) + " of " + std::to_string(size) + " samples"};
  const auto wanted = static_cast<std::uint64_t>(count);

  std::vector<std::vector<index>> of_class(static_cast<std::size_t>(D::classes));
  for (index i = 0; i < size; ++i) of_class[static_cast<std::size_t>(whole.label(i))].push_back(i);

  // Largest remainders: every class gets the whole part of its share; what is left goes to those that lost most in rounding.
  std::vector<std::size_t> quota(of_class.size());
  std::vector<std::uint64_t> remainder(of_class.size());
  std::uint64_t left = wanted;
  for (std::size_t c = 0; c < of_class.size(); ++c) {
    const std::uint64_t share = of_class[c].size() * wanted;
    quota[c] = size == 0 ? 0 : static_cast<std::size_t>(share / static_cast<std::uint64_t>(size));
    remainder[c] = size == 0 ? 0 : share % static_cast<std::uint64_t>(size);
    left -= quota[c];
  }
  std::vector<std::size_t> order(of_class.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return remainder[a] != remainder[b] ? remainder[a] > remainder[b] : a < b; });
  for (std::size_t k = 0; k < static_cast<std::size_t>(left); ++k) ++quota[order[k]];

  std::vector<bool> held_out(static_cast<std::size_t>(size));
  for (std::size_t c = 0; c < of_class.size(); ++c) {
    std::vector<index>& candidates = of_class[c];
    random_sequence random{counter_rng{s, random_stream::split}, 0, static_cast<std::uint32_t>(c)};
    partial_shuffle(candidates, quota[c], random);
    for (std::size_t k = 0; k < quota[c]; ++k) held_out[static_cast<std::size_t>(candidates[k])] = true;
  }
  std::vector<index> kept, taken;
  kept.reserve(static_cast<std::size_t>(size) - static_cast<std::size_t>(wanted));
  taken.reserve(static_cast<std::size_t>(wanted));
  for (index i = 0; i < size; ++i) (held_out[static_cast<std::size_t>(i)] ? taken : kept).push_back(i);
  return {subset<D>{whole, std::move(kept)}, subset<D>{whole, std::move(taken)}};
}

/// The same for a share of the samples, rounded to the nearest count.
/// @throws argument_error unless 0 <= fraction <= 1
template <dataset D, std::floating_point Fraction>
[[nodiscard]] split_result<D> stratified_split(const D& whole, Fraction fraction, seed s) {
  if (!(fraction >= 0 && fraction <= 1))
    throw argument_error{"stratified_split: the share held out must lie between 0 and 1, got " + std::to_string(fraction)};
  return stratified_split(whole, static_cast<index>(static_cast<double>(fraction) * static_cast<double>(whole.size()) + 0.5), s);
}

template <dataset D, class Share>
split_result<D> stratified_split(const D&& whole, Share share, seed s) = delete;  // would dangle

/// Parts of `lengths` samples, chosen by the seed regardless of their class, as torch.utils.data.random_split; each keeps the order of the
/// whole: `auto [train, validation] = random_split(set, {50'000, 10'000}, seed{42});`
/// @throws argument_error unless the lengths are 0 or more and sum to the size
template <dataset D, std::size_t Parts>
[[nodiscard]] std::array<subset<D>, Parts> random_split(const D& whole, const index (&lengths)[Parts], seed s) {
  const index size = whole.size();
  index left = size;
  bool fits = true;
  std::string sum;
  for (const index length : lengths) {
    sum.append(sum.empty() ? "" : " + ").append(std::to_string(length));
    fits = fits && length >= 0 && length <= left;
    if (fits) left -= length;
  }
  if (!fits || left != 0) throw argument_error{"random_split: parts of " + sum + " samples of a data set of " + std::to_string(size)};

  std::vector<index> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), index{0});
  random_sequence random{counter_rng{s, random_stream::split}, 1, 0};  // stratified_split draws from epoch 0
  partial_shuffle(order, order.size(), random);
  auto next = order.begin();
  const auto part = [&](index length) {
    std::vector<index> indices(next, next + length);
    next += length;
    std::sort(indices.begin(), indices.end());
    return subset<D>{whole, std::move(indices)};
  };
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<subset<D>, Parts>{part(lengths[I])...};
  }(std::make_index_sequence<Parts>{});
}

template <dataset D, std::size_t Parts>
std::array<subset<D>, Parts> random_split(const D&& whole, const index (&lengths)[Parts], seed s) = delete;  // would dangle

}  // namespace typenet
