// SPDX-License-Identifier: MIT
/// @file
/// The transform: a change of images on their way from a data set to a network. The concept that a transform of your own models, the image
/// that a random transform works on, and the check that reports a type which is no transform.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/random.hpp>
#include <typenet/core/shape.hpp>

namespace typenet {

/// The kinds of transforms, in the order in which a data set applies them.
enum class transform_kind {
  fixed,   ///< changes the stored image once, when the data set is made; may change its shape
  random,  ///< changes the image anew in every epoch, on 8 bits; keeps its shape
  last     ///< maps grey levels to the numbers that are read; at most one, at the end
};

/// An image on its way through the random transforms. Grey levels are 0 to 255; pixels are `Shape.size()` bytes, `[channel][row][column]`.
///
/// There are two ways to change it. `map_levels` maps all grey levels. A transform that moves pixels reads `pixels()`, writes every pixel
/// of `back_buffer()`, and calls `swap_buffers()`:
/// ```
/// const std::uint8_t* in = image.pixels();
/// std::uint8_t* out = image.back_buffer();
/// // out[0] … out[Shape.size() - 1] from in
/// image.swap_buffers();
/// ```
/// The image consists of pixels and of a table that maps each grey level. The table is applied when pixels are needed; until then
/// `map_levels` changes 256 entries instead of all pixels. On a device each thread has an image of its own.
template <shape Shape>
class augmented_image {
 public:
  /// @param stored the stored image, which is read and never written
  TYPENET_HD explicit augmented_image(const std::uint8_t* stored) : pixels_{stored} {}
  augmented_image(const augmented_image&) = delete;
  augmented_image& operator=(const augmented_image&) = delete;

  /// The pixels after all changes so far.
  [[nodiscard]] TYPENET_HD const std::uint8_t* pixels() {
    if (mapped_) {
      std::uint8_t* out = back_buffer();
      for (int p = 0; p < size; ++p) out[p] = table_[pixels_[p]];
      swap_buffers();
    }
    return pixels_;
  }
  /// Memory for the next version of the image, apart from `pixels()`. Call `pixels()` first: it may use this memory.
  [[nodiscard]] TYPENET_HD std::uint8_t* back_buffer() { return pixels_ == buffers_[0] ? buffers_[1] : buffers_[0]; }
  /// Makes `back_buffer()` the image.
  TYPENET_HD void swap_buffers() {
    pixels_ = back_buffer();
    mapped_ = false;
  }

  /// The mean grey level over all pixels, rounded half up as in Pillow's ImageEnhance.Contrast.
  [[nodiscard]] TYPENET_HD int mean_level() const {
    std::uint32_t sum = 0;
    if (mapped_) {
      for (int p = 0; p < size; ++p) sum += table_[pixels_[p]];
    } else {
      for (int p = 0; p < size; ++p) sum += pixels_[p];
    }
    return static_cast<int>((2 * sum + size) / (2 * size));
  }

  /// Changes every pixel's grey level to `f(level)`.
  /// @param f a function from an `int`, 0 to 255, to a `std::uint8_t`
  template <class F>
  TYPENET_HD void map_levels(const F& f) {
    if (mapped_) {
      for (int v = 0; v < 256; ++v) table_[v] = f(table_[v]);
    } else {
      for (int v = 0; v < 256; ++v) table_[v] = f(v);
    }
    mapped_ = true;
  }

  /// Assigns `levels[v]` to `out[p]` for every pixel p of grey level v. Data sets call it; transforms do not need it.
  /// @param levels [256]: the number that each grey level is read as
  template <class Out>
  TYPENET_HD void write(const float* levels, Out out) const {
    if (!mapped_) {
      for (int p = 0; p < size; ++p) out[p] = levels[pixels_[p]];
      return;
    }
    float table[256];
    for (int v = 0; v < 256; ++v) table[v] = levels[table_[v]];
    for (int p = 0; p < size; ++p) out[p] = table[pixels_[p]];
  }

 private:
  static constexpr int size = Shape.size();

  const std::uint8_t* pixels_;  ///< the stored image or one of the buffers
  bool mapped_ = false;         ///< true where `table_` is still to be applied to `pixels_`
  std::uint8_t table_[256];     ///< the new grey level of each grey level
  std::uint8_t buffers_[2][static_cast<std::size_t>(size)];
};

namespace detail {

/// A type with the members that every transform has.
template <class T>
concept any_transform = std::is_trivially_copyable_v<T> && requires(const T& t) {
  typename std::integral_constant<transform_kind, T::kind>;
  { t.check() } -> std::same_as<void>;
};
template <class T, shape In>
concept fixed_transform = T::kind == transform_kind::fixed && requires(const T& t, const std::uint8_t* in, std::uint8_t* out) {
  { T::output(In) } -> std::same_as<shape>;
  typename std::bool_constant<(T::output(In).size() > 0)>;
  { t.template apply<In>(in, out) } -> std::same_as<void>;
};
// The shape is named, since nvcc does not deduce it in a concept.
template <class T, shape In>
concept random_transform = T::kind == transform_kind::random && requires(const T& t, augmented_image<In>& image, random_sequence& random) {
  { t.template apply<In>(image, random) } -> std::same_as<void>;
};
template <class T>
concept last_transform = T::kind == transform_kind::last && requires(const T& t, float level) {
  { t.apply(level) } -> std::same_as<float>;
};

}  // namespace detail

/// A change of images of shape `In`: a trivially copyable object, whose data members are its parameters.
///
/// Every transform has:
/// - `static constexpr transform_kind kind`
/// - `check()`: throws `argument_error` where a parameter is out of its range; returns nothing
///
/// A fixed transform also has:
/// - `static constexpr shape output(shape in)`: the shape that comes out
/// - `template <shape In> void apply(const std::uint8_t* in, std::uint8_t* out) const`: writes the whole image `out` of shape `output(In)`
///   from the image `in`. Both are grey levels, `[channel][row][column]`, and do not overlap. It may be static
///
/// A random transform also has:
/// - `template <shape In> TYPENET_HD void apply(augmented_image<In>& image, random_sequence& random) const`: changes the image. All that it
///   draws comes from `random`, so that the result is a function of (seed, epoch, sample)
///
/// A last transform also has:
/// - `float apply(float level) const`: the number that a grey level is read as; `level` is the grey level divided by 255
///
/// ```
/// struct random_horizontal_flip {
///   static constexpr auto kind = transform_kind::random;
///
///   template <shape In>
///   TYPENET_HD void apply(augmented_image<In>& image, random_sequence& random) const {
///     if (random.below(2) == 0) return;
///     const std::uint8_t* in = image.pixels();
///     std::uint8_t* out = image.back_buffer();
///     for (int row = 0; row < In.channels() * In.height(); ++row, in += In.width(), out += In.width())
///       for (int x = 0; x < In.width(); ++x) out[x] = in[In.width() - 1 - x];
///     image.swap_buffers();
///   }
///   void check() const {}
/// };
/// ```
template <class T, shape In>
concept transform =
    detail::any_transform<T> && (detail::fixed_transform<T, In> || detail::random_transform<T, In> || detail::last_transform<T>);

/// Never defined: its name is the message.
template <class Transform, class Needs>
struct transform_error;

namespace needs {
/// All that a transform has to offer.
struct all_of_a_transform {
  static constexpr auto text() { return detail::sentence{"all that the concept typenet::transform asks for"}; }
};
/// A place in the order of the kinds.
struct fixed_then_random_then_last {
  static constexpr auto text() {
    return detail::sentence{"its place in the order: fixed transforms such as resize, then random ones, then one such as normalize"};
  }
};
}  // namespace needs

namespace detail {

/// The sentence about a type that is no transform, or a transform out of order.
template <class Error>
struct transform_text;
template <class Transform, class Needs>
struct transform_text<transform_error<Transform, Needs>> : needs_message<Transform, Needs> {};

/// `accepted`, or the `std::type_identity` of the error of the first transform that does not fit.
/// @tparam In shape of the images that reach the first transform
/// @tparam Before kind of the transform before it
template <shape In, transform_kind Before>
constexpr auto transforms_answer() {
  return accepted{};
}
template <shape In, transform_kind Before, class First, class... Rest>
constexpr auto transforms_answer() {
  if constexpr (!transform<First, In>)
    return std::type_identity<transform_error<First, needs::all_of_a_transform>>{};
  else if constexpr (First::kind < Before || Before == transform_kind::last)
    return std::type_identity<transform_error<First, needs::fixed_then_random_then_last>>{};
  else if constexpr (First::kind == transform_kind::fixed)
    return transforms_answer<First::output(In), First::kind, Rest...>();
  else
    return transforms_answer<In, First::kind, Rest...>();
}

/// Transforms that images of shape `In` can go through, in this order.
template <shape In, class... Transforms>
concept transforms_in_order = std::same_as<decltype(transforms_answer<In, transform_kind::fixed, Transforms...>()), accepted>;

/// Reports the first type that is no transform, or the first transform out of order.
template <shape In, class... Transforms>
constexpr bool check_transforms() {
  using answer = decltype(transforms_answer<In, transform_kind::fixed, Transforms...>());
  if constexpr (!std::same_as<answer, accepted>) return report_error<typename answer::type, transform_text<typename answer::type>>();
  return true;
}

}  // namespace detail
}  // namespace typenet
