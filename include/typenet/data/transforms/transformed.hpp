// SPDX-License-Identifier: MIT
/// @file
/// transformed: a data set of the images of another after transforms.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include <typenet/core/config.hpp>
#include <typenet/core/random.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/data/dataset.hpp>
#include <typenet/data/stored_samples.hpp>
#include <typenet/data/transforms/transform.hpp>

namespace typenet {

namespace detail {

/// Transforms one after another, as a trivially copyable object (std::tuple need not be one).
template <class... Transforms>
struct transform_chain {
  template <shape S>
  TYPENET_HD void apply(augmented_image<S>&, random_sequence&) const {}
};
template <class First, class... Rest>
struct transform_chain<First, Rest...> {
  First first;
  transform_chain<Rest...> rest;

  /// Applies the random transforms to an image, in order. Calls name the shape, since nvcc does not deduce it.
  template <shape S>
  TYPENET_HD void apply(augmented_image<S>& image, random_sequence& random) const {
    if constexpr (First::kind == transform_kind::random) first.template apply<S>(image, random);
    rest.template apply<S>(image, random);
  }
};

/// The chain of these transforms.
[[nodiscard]] constexpr transform_chain<> make_chain() { return {}; }
template <class First, class... Rest>
[[nodiscard]] constexpr transform_chain<First, Rest...> make_chain(const First& first, const Rest&... rest) {
  return {first, make_chain(rest...)};
}

/// The view of a transformed_dataset: the stored images, and the transforms that apply when they are read.
template <shape Shape, class... Transforms>
struct transformed_view : labeled_view {
  static constexpr shape sample_shape = Shape;
  static constexpr bool augments = ((Transforms::kind == transform_kind::random) || ...);

  transform_chain<Transforms...> transforms;
  const float* levels;         ///< [256]: the number that each grey level is read as
  const std::uint8_t* pixels;  ///< [sample][channel][row][column]: grey levels after the fixed transforms

  template <class Out>
  TYPENET_HD void read(index i, const sample_key& key, Out out) const {
    constexpr int size = Shape.size();
    const std::uint8_t* const stored = pixels + i * size;
    if constexpr (augments) {
      if (key.augment) {
        random_sequence random{counter_rng{key.seed, random_stream::augmentation}, key.epoch, key_of(i)};
        augmented_image<Shape> image{stored};
        transforms.template apply<Shape>(image, random);
        image.write(levels, out);
        return;
      }
    }
    for (int p = 0; p < size; ++p) out[p] = levels[stored[p]];
  }
};

}  // namespace detail

/// A data set of transformed images, made by `transformed`. It owns the images as the fixed transforms leave them. `read` applies the
/// random transforms where the key augments, and the last one.
/// @tparam In shape of the source's images
/// @tparam Transforms the transforms, in order
template <shape In, int Classes, class... Transforms>
  requires detail::transforms_in_order<In, Transforms...>
class transformed_dataset {
  /// The shape after the fixed transforms.
  static constexpr shape output_shape() {
    shape s = In;
    [[maybe_unused]] const auto through = [&]<class T>(std::type_identity<T>) {
      if constexpr (T::kind == transform_kind::fixed) s = T::output(s);
    };
    (through(std::type_identity<Transforms>{}), ...);
    return s;
  }

 public:
  static constexpr shape sample_shape = output_shape();
  static constexpr int classes = Classes;
  /// True where an epoch reads other numbers than the epoch before: where one of the transforms is random.
  static constexpr bool augments = detail::transformed_view<sample_shape, Transforms...>::augments;

  /// Applies the fixed transforms to every image of `source`.
  /// @throws argument_error if a transform's parameters are out of range
  template <byte_image_dataset Source>
  explicit transformed_dataset(const Source& source, const Transforms&... transforms) : transforms_{detail::make_chain(transforms...)} {
    static_assert(!augments || sample_shape.size() <= 1 << 16,
                  "transformed: random transforms are meant for images of up to 65,536 values");
    (transforms.check(), ...);
    for (std::size_t v = 0; v < levels_.size(); ++v) levels_[v] = static_cast<float>(v) / 255.0f;
    [[maybe_unused]] const auto apply_last = [&]<class T>(const T& last) {
      if constexpr (T::kind == transform_kind::last)
        for (float& level : levels_) level = last.apply(level);
    };
    (apply_last(transforms), ...);

    const index size = source.size();
    labels_.reserve(static_cast<std::size_t>(size));
    pixels_.resize(static_cast<std::size_t>(size * sample_shape.size()));
    for (index i = 0; i < size; ++i) {
      labels_.push_back(source.label(i));
      prepare<In>(source.bytes(i).data(), pixels_.data() + i * sample_shape.size(), transforms...);
    }
  }

  [[nodiscard]] index size() const { return static_cast<index>(labels_.size()); }
  [[nodiscard]] int label(index i) const { return view(host_upload{}).label(i); }
  /// Image i after the fixed transforms: `sample_shape.size()` grey levels, `[channel][row][column]`.
  [[nodiscard]] std::span<const std::uint8_t> bytes(index i) const {
    return {pixels_.data() + i * sample_shape.size(), static_cast<std::size_t>(sample_shape.size())};
  }

  void read(index i, const sample_key& key, std::span<float> out) const { view(host_upload{}).read(i, key, out.data()); }
  /// The view that a device reads (concept `resident_dataset`).
  template <class Upload>
  [[nodiscard]] detail::transformed_view<sample_shape, Transforms...> view(const Upload& upload) const {
    return {{upload(std::span<const int>{labels_}), size()},
            transforms_,
            upload(std::span<const float>{levels_}),
            upload(std::span<const std::uint8_t>{pixels_})};
  }

 private:
  /// Applies the fixed transforms, which come first, to one image of shape S.
  template <shape S>
  static void prepare(const std::uint8_t* in, std::uint8_t* out) {
    std::memcpy(out, in, static_cast<std::size_t>(S.size()));
  }
  template <shape S, class First, class... Rest>
  static void prepare(const std::uint8_t* in, std::uint8_t* out, const First& first, const Rest&... rest) {
    if constexpr (First::kind != transform_kind::fixed) {
      prepare<S>(in, out);
    } else if constexpr (!((Rest::kind == transform_kind::fixed) || ...)) {
      first.template apply<S>(in, out);
    } else {
      constexpr shape next = First::output(S);
      std::vector<std::uint8_t> between(static_cast<std::size_t>(next.size()));
      first.template apply<S>(in, between.data());
      prepare<next>(between.data(), out, rest...);
    }
  }

  detail::transform_chain<Transforms...> transforms_;
  std::array<float, 256> levels_;
  std::vector<std::uint8_t> pixels_;
  std::vector<int> labels_;
};

/// A data set of the images after these transforms: the fixed ones first (`resize`, `pad`), then the random ones in any order
/// (`random_rotation`, `random_affine`, `random_roll`, `color_jitter`), at last `normalize`. Each may be missing; transforms of your own
/// model the concept `transform`.
/// ```
/// auto train = transformed(load_mnist(mnist_split::train), resize<32, 32>{}, random_rotation{15.0f},
///                          color_jitter{.brightness = 0.2f, .contrast = 0.2f}, normalize{0.1307f, 0.3081f});
/// ```
/// The result owns its images and needs `images` no longer. A subset, such as a part of a split, may be transformed as well.
/// @param images a data set of bytes (concept `byte_image_dataset`)
/// @throws argument_error if a transform's parameters are out of range
template <class Source, class... Transforms>
[[nodiscard]] auto transformed(const Source& images, const Transforms&... transforms) {
  if constexpr (!byte_image_dataset<Source>) {
    (void)detail::check_byte_image_dataset<Source>();
    return detail::placeholder_dataset{};
  } else if constexpr (!detail::transforms_in_order<Source::sample_shape, Transforms...>) {
    (void)detail::check_transforms<Source::sample_shape, Transforms...>();
    return detail::placeholder_dataset{};
  } else {
    return transformed_dataset<Source::sample_shape, Source::classes, Transforms...>{images, transforms...};
  }
}

}  // namespace typenet
