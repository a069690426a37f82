// SPDX-License-Identifier: MIT
/// @file
/// Image transforms with torchvision's names and, unless they say otherwise, Pillow's arithmetic on 8 bits to the last of them: `resize`
/// and `pad` once, when the data set is made; `random_rotation`, `random_affine`, `random_roll` and `color_jitter` anew for every epoch;
/// `normalize` last.
///
///     auto train = transformed(load_mnist(mnist_split::train), resize<32, 32>{}, random_rotation{15.0f},
///                              color_jitter{.brightness = 0.2f, .contrast = 0.2f}, normalize{0.1307f, 0.3081f});
///
/// A random transform is a function of (seed, epoch, sample) alone; asked for with `sample_key::evaluation()` it does nothing.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/core/random.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/data/dataset.hpp>

namespace typenet {

namespace detail {

/// What Pillow makes of one axis: each output is a weighted sum of `count` inputs from `first` on, in 22-bit fixed point.
/// A tent of one input's width where the axis grows, of one output's width where it shrinks.
template <int In, int Out>
struct bilinear_axis {
  static constexpr double scale = static_cast<double>(In) / Out;
  static constexpr double support = scale > 1 ? scale : 1;
  static constexpr int taps = 2 * (static_cast<int>(support) + 1) + 1;
  static constexpr int precision = 22;

  int first[Out]{};
  int count[Out]{};
  int weight[Out][taps]{};

  constexpr bilinear_axis() {
    for (int o = 0; o < Out; ++o) {
      const double center = (o + 0.5) * scale;
      const double low = center - support + 0.5, high = center + support + 0.5;
      first[o] = low < 0 ? 0 : static_cast<int>(low);
      count[o] = (high > In ? In : static_cast<int>(high)) - first[o];
      double tent[taps]{};
      double sum = 0;
      for (int k = 0; k < count[o]; ++k) {
        const double x = (k + first[o] - center + 0.5) * (1 / support);
        const double distance = x < 0 ? -x : x;
        tent[k] = distance < 1 ? 1 - distance : 0;
        sum += tent[k];
      }
      for (int k = 0; k < count[o]; ++k) weight[o][k] = static_cast<int>(0.5 + tent[k] / sum * (1 << precision));
    }
  }

  /// One output from inputs `stride` apart, rounded to 8 bits.
  [[nodiscard]] constexpr std::uint8_t operator()(const std::uint8_t* in, int stride, int o) const {
    int sum = 1 << (precision - 1);
    for (int k = 0; k < count[o]; ++k) sum += in[(first[o] + k) * stride] * weight[o][k];
    return static_cast<std::uint8_t>(std::clamp(sum >> precision, 0, 255));
  }
};

template <int In, int Out>
inline constexpr bilinear_axis<In, Out> bilinear{};

/// One axis of a bilinear interpolation that takes every output between two inputs, however many lie between two outputs.
template <int In, int Out>
struct interpolated_axis {
  static constexpr std::int64_t unit = 2 * Out;  // weights are multiples of 1 / unit

  int first, second;
  std::int64_t first_weight, second_weight;

  constexpr explicit interpolated_axis(int o) {
    const std::int64_t place = std::max((2 * std::int64_t{o} + 1) * In - Out, std::int64_t{0});  // in units
    first = static_cast<int>(place / unit);
    second = std::min(first + 1, In - 1);
    second_weight = place % unit;
    first_weight = unit - second_weight;
  }
};

/// An image on its way through the random transforms: pixels, and a table that maps every grey level but has not been applied yet. Point
/// operations work on the table's 256 entries instead of all the pixels. On a device each thread has one of its own.
template <shape Shape>
class augmented_image {
 public:
  TYPENET_HD explicit augmented_image(const std::uint8_t* stored) : pixels_{stored} {}
  augmented_image(const augmented_image&) = delete;
  augmented_image& operator=(const augmented_image&) = delete;

  /// The pixels, with all that was done to them.
  [[nodiscard]] TYPENET_HD const std::uint8_t* pixels() {
    if (mapped_) {
      std::uint8_t* out = other();
      for (int p = 0; p < size; ++p) out[p] = table_[pixels_[p]];
      replace(out);
    }
    return pixels_;
  }
  /// Where the next version of the image may be written, after pixels(); `replace` makes it the current one.
  [[nodiscard]] TYPENET_HD std::uint8_t* other() { return pixels_ == buffers_[0] ? buffers_[1] : buffers_[0]; }
  TYPENET_HD void replace(const std::uint8_t* pixels) {
    pixels_ = pixels;
    mapped_ = false;
  }

  /// The mean grey level, rounded half up, as Pillow's contrast takes it.
  [[nodiscard]] TYPENET_HD int mean_level() const {
    std::uint32_t sum = 0;
    if (mapped_) {
      for (int p = 0; p < size; ++p) sum += table_[pixels_[p]];
    } else {
      for (int p = 0; p < size; ++p) sum += pixels_[p];
    }
    return static_cast<int>((2 * sum + size) / (2 * size));
  }

  /// Applies `level -> f(level)` to every pixel.
  template <class F>
  TYPENET_HD void map_levels(const F& f) {
    if (mapped_) {
      for (int v = 0; v < 256; ++v) table_[v] = f(table_[v]);
    } else {
      for (int v = 0; v < 256; ++v) table_[v] = f(v);
    }
    mapped_ = true;
  }

  /// Assigns `levels[v]` to `out[p]` for every pixel p of grey level v.
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

  const std::uint8_t* pixels_;
  bool mapped_ = false;
  std::uint8_t table_[256];
  std::uint8_t buffers_[2][static_cast<std::size_t>(size)];
};

/// Pillow's Image.blend, in `float`: from a grey level towards (factor < 1) or away from (factor > 1) another.
/// Products and sums are taken in double, where they are exact, and rounded one by one: no compiler can fuse them into different bits.
[[nodiscard]] TYPENET_HD inline std::uint8_t blend(int base, int level, float factor) {
  const auto step = static_cast<float>(static_cast<double>(factor) * (level - base));
  const auto value = static_cast<float>(base + static_cast<double>(step));
  return static_cast<std::uint8_t>(std::min(std::max(static_cast<int>(value), 0), 255));
}

template <shape Shape>
TYPENET_HD void adjust_brightness(augmented_image<Shape>& image, float factor) {
  image.map_levels([=](int level) { return blend(0, level, factor); });
}

template <shape Shape>
TYPENET_HD void adjust_contrast(augmented_image<Shape>& image, float factor) {
  image.map_levels([=, mean = image.mean_level()](int level) { return blend(mean, level, factor); });
}

/// The least integer whose square is not below n.
[[nodiscard]] constexpr int ceil_sqrt(int n) {
  int root = 0;
  while (root * root < n) ++root;
  return root;
}

/// Rotates about the image's centre: nearest pixel, 0 from outside, in Pillow's 16.16 fixed point. Positive angles turn counter-clockwise.
template <shape Shape>
TYPENET_HD void rotate(const std::uint8_t* in, float degrees, std::uint8_t* out) {
  constexpr int height = Shape.height(), width = Shape.width(), channels = Shape.channels(), area = Shape.area();
  // The image amid zeros so wide that no angle looks beyond them: then no pixel needs a test.
  constexpr int diagonal = ceil_sqrt(height * height + width * width);
  constexpr int above = (diagonal - height) / 2 + 2, left = (diagonal - width) / 2 + 2;
  constexpr int bits = [] {
    int b = 0;
    while ((1 << b) < width + 2 * left) ++b;
    return b;
  }();
  constexpr int stride = 1 << bits, rows = height + 2 * above;
  static_assert(stride < 32768 && rows < 32768, "rotate: the image is too large for 16.16 fixed point");

  if (degrees == 0.0f) {
    std::memcpy(out, in, static_cast<std::size_t>(channels * area));
    return;
  }
  const double angle = -static_cast<double>(degrees) * (3.14159265358979323846 / 180);
  const double c = std::cos(angle), s = std::sin(angle);
  const auto fix = [](double v) { return static_cast<std::int32_t>(std::floor(v * 65536 + 0.5)); };
  const double cx = width / 2.0, cy = height / 2.0;
  const double x0 = c * -cx + s * -cy + cx, y0 = -s * -cx + c * -cy + cy;
  const std::int32_t dx = fix(c), dy = fix(s);
  std::int32_t across_x[width], across_y[width];  // from a row's first pixel to its others
  for (int x = 0; x < width; ++x) {
    across_x[x] = x * dx;
    across_y[x] = -x * dy;
  }
  std::int32_t row_x = fix(x0 + c * 0.5 + s * 0.5) + (left << 16);
  std::int32_t row_y = fix(y0 + -s * 0.5 + c * 0.5) + (above << 16);

  alignas(64) std::uint8_t framed[static_cast<std::size_t>(rows * stride)];
  std::memset(framed, 0, sizeof framed);
  for (int channel = 0; channel < channels; ++channel, in += area) {
    for (int y = 0; y < height; ++y) std::memcpy(framed + (above + y) * stride + left, in + y * width, static_cast<std::size_t>(width));
    std::int32_t fx = row_x, fy = row_y;
    for (int y = 0; y < height; ++y, out += width, fx += dy, fy += dx) {
      std::int32_t source[width];  // apart from the loads, so that the compiler can do these side by side
      for (int x = 0; x < width; ++x) source[x] = (((fy + across_y[x]) >> 16) << bits) + ((fx + across_x[x]) >> 16);
      TYPENET_UNROLL
      for (int x = 0; x < width; ++x) out[x] = framed[source[x]];
    }
  }
}

/// What `random_affine` draws. Of an image, about its centre: first squeezed, then sheared, turned, scaled and moved.
struct distortion {
  float degrees = 0;          ///< turned clockwise
  float right = 0, down = 0;  ///< moved, in pixels
  float scale = 1;            ///< both lengths times this
  float squeeze = 1;          ///< widths times this, heights divided by it
  float shear = 0;            ///< degrees by which what was upright leans to the right
};

/// Distorts an image amid a plane of the level `fill`. Each pixel is read between four others, at a place in 32.32 fixed point that is
/// rounded to 1/2048 of a pixel, and rounded to 8 bits once, halves to even.
template <shape Shape>
TYPENET_HD void distort(const std::uint8_t* in, const distortion& by, int fill, std::uint8_t* out) {
  constexpr int height = Shape.height(), width = Shape.width(), area = Shape.area();
  constexpr int bits = 11, one = 1 << bits;  // a level and the weights on two axes are 8 + 11 + 11 bits, which an int holds
  // The image with a pixel of background before it and two behind: places beyond are moved there, and then none needs a test.
  constexpr int stride = width + 3, rows = height + 3;

  // From where a pixel is written back to where it is read.
  constexpr double radians = 3.14159265358979323846 / 180;
  const double turn = static_cast<double>(by.degrees) * radians, lean = std::tan(static_cast<double>(by.shear) * radians);
  const double c = std::cos(turn), s = std::sin(turn);
  const double across = 1 / (static_cast<double>(by.scale) * static_cast<double>(by.squeeze));
  const double down = static_cast<double>(by.squeeze) / static_cast<double>(by.scale);
  const double xx = (c - s * lean) * across, xy = (s + c * lean) * across, yx = -s * down, yy = c * down;
  const double right_of = 0.5 - width / 2.0 - static_cast<double>(by.right), below = 0.5 - height / 2.0 - static_cast<double>(by.down);
  const auto fix = [](double v) { return static_cast<std::int64_t>(std::floor(v * 4294967296.0 + 0.5)); };
  constexpr std::int64_t half = std::int64_t{1} << (31 - bits);
  std::int64_t row_x = fix(xx * right_of + xy * below + (width / 2.0 - 0.5)) + half;
  std::int64_t row_y = fix(yx * right_of + yy * below + (height / 2.0 - 0.5)) + half;
  const std::int64_t x_by_x = fix(xx), x_by_y = fix(xy), y_by_x = fix(yx), y_by_y = fix(yy);
  const auto place = [](std::int64_t v, int size) {
    return static_cast<int>(std::min(std::max(v >> (32 - bits), std::int64_t{-one}), std::int64_t{size} << bits));
  };

  std::uint8_t framed[static_cast<std::size_t>(rows * stride)];
  std::memset(framed, fill, sizeof framed);
  for (int channel = 0; channel < Shape.channels(); ++channel, in += area) {
    for (int y = 0; y < height; ++y) std::memcpy(framed + (y + 1) * stride + 1, in + y * width, static_cast<std::size_t>(width));
    std::int64_t at_x = row_x, at_y = row_y;
    for (int y = 0; y < height; ++y, out += width, at_x += x_by_y, at_y += y_by_y) {
      int source[width], right[width], low[width];  // apart from the loads, so that the compiler can do these side by side
      for (int x = 0; x < width; ++x) {
        const int from_x = place(at_x + x * x_by_x, width), from_y = place(at_y + x * y_by_x, height);
        source[x] = ((from_y >> bits) + 1) * stride + (from_x >> bits) + 1;
        right[x] = from_x & (one - 1);
        low[x] = from_y & (one - 1);
      }
      for (int x = 0; x < width; ++x) {
        const std::uint8_t* const corner = framed + source[x];
        const int upper = corner[0] * (one - right[x]) + corner[1] * right[x];
        const int lower = corner[stride] * (one - right[x]) + corner[stride + 1] * right[x];
        const int level = upper * (one - low[x]) + lower * low[x];
        // A half more, or just less where the level below is even.
        out[x] = static_cast<std::uint8_t>((level + (1 << (2 * bits - 1)) - 1 + (level >> (2 * bits) & 1)) >> (2 * bits));
      }
    }
  }
}

/// Moves every pixel down and to the right, whole rows and columns, what leaves coming in on the other side.
template <shape Shape>
TYPENET_HD void roll(const std::uint8_t* in, int down, int right, std::uint8_t* out) {
  constexpr int height = Shape.height(), width = Shape.width();
  const int above = (down % height + height) % height, left = (right % width + width) % width;
  for (int channel = 0; channel < Shape.channels(); ++channel, in += Shape.area()) {
    for (int y = 0; y < height; ++y, out += width) {
      const std::uint8_t* const row = in + (y < above ? y - above + height : y - above) * width;
      for (int x = 0; x < left; ++x) out[x] = row[x - left + width];
      for (int x = left; x < width; ++x) out[x] = row[x - left];
    }
  }
}

enum class transform_kind { fixed, random, last };

template <class T>
concept transform = requires {
  { T::kind } -> std::convertible_to<transform_kind>;
};

}  // namespace detail

/// Whether `resize` weighs all the pixels that a smaller image's pixel covers.
template <bool On>
struct antialias {
  static constexpr bool on = On;
};

/// Resizes to Height x Width, bilinear, rounded to 8 bits: as torchvision's Resize on a PIL image (so with antialiasing where it shrinks).
/// With `resize<Height, Width, antialias<false>>` as torch.nn.functional.interpolate(mode="bilinear", align_corners=False): between the
/// four nearest pixels, in exact arithmetic, rounded to 8 bits once, halves to even.
template <int Height, int Width, class Antialias = antialias<true>>
  requires(Height > 0 && Width > 0 && std::same_as<Antialias, antialias<Antialias::on>>)
struct resize {
  static constexpr auto kind = detail::transform_kind::fixed;
  static constexpr shape output(shape in) { return {in.channels(), Height, Width}; }

  template <shape In>
  static void apply(const std::uint8_t* in, std::uint8_t* out) {
    for (int channel = 0; channel < In.channels(); ++channel, in += In.area(), out += Height * Width) {
      if constexpr (Antialias::on) {
        smooth<In>(in, out);
      } else {
        interpolate<In>(in, out);
      }
    }
  }
  void check() const {}

 private:
  /// One channel, with antialiasing.
  template <shape In>
  static void smooth(const std::uint8_t* in, std::uint8_t* out) {
    constexpr auto& across = detail::bilinear<In.width(), Width>;
    constexpr auto& down = detail::bilinear<In.height(), Height>;
    std::uint8_t widened[static_cast<std::size_t>(In.height() * Width)];
    for (int y = 0; y < In.height(); ++y) {
      for (int x = 0; x < Width; ++x) widened[y * Width + x] = across(in + y * In.width(), 1, x);
    }
    for (int y = 0; y < Height; ++y) {
      for (int x = 0; x < Width; ++x) out[y * Width + x] = down(widened + x, Width, y);
    }
  }

  /// One channel, without.
  template <shape In>
  static void interpolate(const std::uint8_t* in, std::uint8_t* out) {
    using rows = detail::interpolated_axis<In.height(), Height>;
    using columns = detail::interpolated_axis<In.width(), Width>;
    constexpr std::int64_t unit = rows::unit * columns::unit;
    for (int y = 0; y < Height; ++y) {
      const rows row{y};
      const std::uint8_t* const upper = in + row.first * In.width();
      const std::uint8_t* const lower = in + row.second * In.width();
      for (int x = 0; x < Width; ++x) {
        const columns column{x};
        const std::int64_t sum =
            row.first_weight * (column.first_weight * upper[column.first] + column.second_weight * upper[column.second]) +
            row.second_weight * (column.first_weight * lower[column.first] + column.second_weight * lower[column.second]);
        const std::int64_t level = sum / unit, twice = 2 * (sum % unit);
        out[y * Width + x] = static_cast<std::uint8_t>(level + (twice > unit || (twice == unit && level % 2 != 0)));
      }
    }
  }
};

/// Adds zeros around the image until it is Height x Width; an odd row or column goes below or to the right.
template <int Height, int Width>
  requires(Height > 0 && Width > 0)
struct pad {
  static constexpr auto kind = detail::transform_kind::fixed;
  static constexpr shape output(shape in) { return {in.channels(), Height, Width}; }

  template <shape In>
  static void apply(const std::uint8_t* in, std::uint8_t* out) {
    static_assert(Height >= In.height() && Width >= In.width(), "pad: the image is already larger than the size to pad it to");
    std::memset(out, 0, static_cast<std::size_t>(output(In).size()));
    constexpr int above = (Height - In.height()) / 2, left = (Width - In.width()) / 2;
    for (int channel = 0; channel < In.channels(); ++channel) {
      for (int y = 0; y < In.height(); ++y)
        std::memcpy(out + (channel * Height + above + y) * Width + left, in + (channel * In.height() + y) * In.width(),
                    static_cast<std::size_t>(In.width()));
    }
  }
  void check() const {}
};

/// Rotates by an angle uniform in [-degrees, degrees) about the image's centre; nearest pixel, 0 from outside: as torchvision's
/// RandomRotation.
struct random_rotation {
  static constexpr auto kind = detail::transform_kind::random;
  float degrees = 0;

  template <shape S>
  TYPENET_HD void apply(detail::augmented_image<S>& image, random_sequence& random) const {
    const float angle = random.uniform(-degrees, degrees);
    const std::uint8_t* in = image.pixels();
    std::uint8_t* out = image.other();
    detail::rotate<S>(in, angle, out);
    image.replace(out);
  }
  void check() const {
    if (!(degrees >= 0 && degrees <= 180))
      throw argument_error{"random_rotation: degrees must lie between 0 and 180, got " + std::to_string(degrees)};
  }
};

/// Planar affine distortions (LeCun et al. 1998, section III), all of them in one bilinear resampling: about the image's centre, drawn
/// independently, each uniform around what changes nothing. Without any, as by default, the image stays as it is to the last bit.
///
/// As torchvision's RandomAffine, with bilinear interpolation and on tensors: the order of shear, rotation, scaling and translation, `fill`
/// around the image, and rounding to 8 bits at the end, halves to even. Unlike there, `translate` is in pixels and fractions of them,
/// `scale` is a number and no pair, `shear` is horizontal alone, every range is symmetric, and there is `squeeze`.
struct random_affine {
  static constexpr auto kind = detail::transform_kind::random;
  float degrees = 0;    ///< rotation by up to so many degrees
  float translate = 0;  ///< a shift by up to so many pixels on each axis
  float scale = 0;      ///< sizes times 1 - scale to 1 + scale
  float squeeze = 0;    ///< widths times 1 - squeeze to 1 + squeeze and heights divided by the same, before all else
  float shear = 0;      ///< horizontally, by up to so many degrees
  int fill = 0;         ///< the grey level around the image

  template <shape S>
  TYPENET_HD void apply(detail::augmented_image<S>& image, random_sequence& random) const {
    // Drawn whether used or not, so that switching one off leaves the others' as they were.
    detail::distortion by;
    by.degrees = random.uniform(-degrees, degrees);
    by.right = random.uniform(-translate, translate);
    by.down = random.uniform(-translate, translate);
    by.scale = random.uniform(1 - scale, 1 + scale);
    by.squeeze = random.uniform(1 - squeeze, 1 + squeeze);
    by.shear = random.uniform(-shear, shear);
    const std::uint8_t* in = image.pixels();
    std::uint8_t* out = image.other();
    detail::distort<S>(in, by, fill, out);
    image.replace(out);
  }
  void check() const {
    const auto within = [](const char* name, float value, float most) {
      if (!(value >= 0 && value <= most))
        throw argument_error{std::string{"random_affine: "} + name + " must lie between 0 and " + std::to_string(most) + ", got " +
                             std::to_string(value)};
    };
    within("degrees", degrees, 180);
    within("translate", translate, 65536);
    within("scale", scale, 0.9f);
    within("squeeze", squeeze, 0.9f);
    within("shear", shear, 80);
    if (fill < 0 || fill > 255) throw argument_error{"random_affine: fill must lie between 0 and 255, got " + std::to_string(fill)};
  }
};

/// Shifts cyclically, on each axis by a whole number of pixels uniform in {-shifts, …, shifts}: what leaves on one side comes in on the
/// other, as with torch.roll.
struct random_roll {
  static constexpr auto kind = detail::transform_kind::random;
  int shifts = 0;

  template <shape S>
  TYPENET_HD void apply(detail::augmented_image<S>& image, random_sequence& random) const {
    const auto choices = static_cast<std::uint32_t>(2 * shifts + 1);
    const int down = static_cast<int>(random.below(choices)) - shifts;
    const int right = static_cast<int>(random.below(choices)) - shifts;
    const std::uint8_t* in = image.pixels();
    std::uint8_t* out = image.other();
    detail::roll<S>(in, down, right, out);
    image.replace(out);
  }
  void check() const {
    if (!(shifts >= 0 && shifts <= 1 << 16))
      throw argument_error{"random_roll: shifts must lie between 0 and 65536, got " + std::to_string(shifts)};
  }
};

/// Brightness and contrast, each by a factor uniform in [1 - strength, 1 + strength), in random order, on 8 bits with clipping: as
/// torchvision's ColorJitter on a PIL image. Contrast blends with the image's rounded mean grey level. Grey images only.
struct color_jitter {
  static constexpr auto kind = detail::transform_kind::random;
  float brightness = 0;
  float contrast = 0;

  template <shape S>
  TYPENET_HD void apply(detail::augmented_image<S>& image, random_sequence& random) const {
    static_assert(S.channels() == 1, "color_jitter: works on images of one channel");
    // Drawn whether used or not, so that switching one off leaves the other's as they were.
    const bool brightness_first = random.below(2) == 0;
    const float bright = factor(brightness, random), strong = factor(contrast, random);
    if (brightness_first && brightness > 0) detail::adjust_brightness(image, bright);
    if (contrast > 0) detail::adjust_contrast(image, strong);
    if (!brightness_first && brightness > 0) detail::adjust_brightness(image, bright);
  }
  void check() const {
    if (!(brightness >= 0 && std::isfinite(brightness) && contrast >= 0 && std::isfinite(contrast)))
      throw argument_error{"color_jitter: brightness and contrast must be 0 or more, got " + std::to_string(brightness) + " and " +
                           std::to_string(contrast)};
  }

 private:
  TYPENET_HD static float factor(float strength, random_sequence& random) {
    return random.uniform(std::max(0.0f, 1 - strength), 1 + strength);
  }
};

/// Turns a grey level v into (v / 255 - mean) / standard_deviation. Without it a data set yields v / 255.
struct normalize {
  static constexpr auto kind = detail::transform_kind::last;
  float mean = 0;
  float standard_deviation = 1;

  void check() const {
    if (!(std::isfinite(mean) && std::isfinite(standard_deviation) && standard_deviation > 0))
      throw argument_error{"normalize: needs a finite mean and a standard deviation above 0, got " + std::to_string(mean) + " and " +
                           std::to_string(standard_deviation)};
  }
};

namespace detail {

/// Transforms one after another, as a trivially copyable object, which a std::tuple need not be.
template <class... Transforms>
struct transform_chain {
  template <shape S>
  TYPENET_HD void apply(augmented_image<S>&, random_sequence&) const {}
};
template <class First, class... Rest>
struct transform_chain<First, Rest...> {
  First first;
  transform_chain<Rest...> rest;

  /// Takes an image through the random ones.
  template <shape S>
  TYPENET_HD void apply(augmented_image<S>& image, random_sequence& random) const {
    if constexpr (First::kind == transform_kind::random) first.apply(image, random);
    rest.apply(image, random);
  }
};

[[nodiscard]] constexpr transform_chain<> make_chain() { return {}; }
template <class First, class... Rest>
[[nodiscard]] constexpr transform_chain<First, Rest...> make_chain(const First& first, const Rest&... rest) {
  return {first, make_chain(rest...)};
}

/// What a device reads of a transformed_dataset: the images as they are stored, and what is done to them when they are read.
template <shape Shape, transform... Transforms>
struct transformed_view {
  static constexpr shape sample_shape = Shape;
  static constexpr bool augments = ((Transforms::kind == transform_kind::random) || ...);

  transform_chain<Transforms...> transforms;
  const float* levels;  // what each of the 256 grey levels is read as
  const std::uint8_t* pixels;
  const int* labels;
  index count;

  [[nodiscard]] TYPENET_HD index size() const { return count; }
  [[nodiscard]] TYPENET_HD int label(index i) const { return labels[i]; }
  [[nodiscard]] TYPENET_HD std::uint32_t key_of(index i) const { return static_cast<std::uint32_t>(i); }
  template <class Out>
  TYPENET_HD void read(index i, const sample_key& key, Out out) const {
    constexpr int size = Shape.size();
    const std::uint8_t* const stored = pixels + i * size;
    if constexpr (augments) {
      if (key.augment) {
        random_sequence random{counter_rng{key.seed, random_stream::augmentation}, key.epoch, key_of(i)};
        augmented_image<Shape> image{stored};
        transforms.apply(image, random);
        image.write(levels, out);
        return;
      }
    }
    for (int p = 0; p < size; ++p) out[p] = levels[stored[p]];
  }
};

}  // namespace detail

/// A data set of transformed images, made by `transformed`. It owns its images: after `resize` and `pad`, before anything random.
template <shape In, int Classes, detail::transform... Transforms>
class transformed_dataset {
  using kinds = detail::transform_kind;
  static constexpr std::size_t count = sizeof...(Transforms);

  static constexpr bool ordered() {
    constexpr std::array<kinds, count> all{Transforms::kind...};
    for (std::size_t i = 1; i < count; ++i) {
      if (all[i] < all[i - 1] || all[i - 1] == kinds::last) return false;
    }
    return true;
  }
  static_assert(ordered(), "transformed: resize and pad come first, then the random transforms, then normalize, once");

  /// The shape after the fixed transforms.
  static constexpr shape output_shape() {
    shape s = In;
    [[maybe_unused]] const auto through = [&]<class T>(std::type_identity<T>) {
      if constexpr (T::kind == kinds::fixed) s = T::output(s);
    };
    (through(std::type_identity<Transforms>{}), ...);
    return s;
  }

 public:
  static constexpr shape sample_shape = output_shape();
  static constexpr int classes = Classes;
  /// Whether an epoch sees other pixels than the one before.
  static constexpr bool augments = detail::transformed_view<sample_shape, Transforms...>::augments;

  /// @throws argument_error if a transform's parameters make no sense
  template <byte_image_dataset Source>
  explicit transformed_dataset(const Source& source, const Transforms&... transforms) : transforms_{detail::make_chain(transforms...)} {
    static_assert(!augments || sample_shape.size() <= 1 << 16,
                  "transformed: random transforms are meant for images of up to 65,536 values");
    (transforms.check(), ...);
    [[maybe_unused]] const auto set_scale = [&](const auto& transform) {
      if constexpr (std::same_as<std::remove_cvref_t<decltype(transform)>, normalize>) scale_ = transform;
    };
    (set_scale(transforms), ...);
    for (std::size_t v = 0; v < levels_.size(); ++v)
      levels_[v] = (static_cast<float>(v) / 255.0f - scale_.mean) / scale_.standard_deviation;

    const index size = source.size();
    labels_.reserve(static_cast<std::size_t>(size));
    pixels_.resize(static_cast<std::size_t>(size * sample_shape.size()));
    for (index i = 0; i < size; ++i) {
      labels_.push_back(source.label(i));
      prepare<0, In>(source.bytes(i).data(), pixels_.data() + i * sample_shape.size());
    }
  }

  [[nodiscard]] index size() const { return static_cast<index>(labels_.size()); }
  [[nodiscard]] int label(index i) const { return view(host_upload{}).label(i); }
  /// The image as it is stored: resized and padded, nothing more.
  [[nodiscard]] std::span<const std::uint8_t> bytes(index i) const {
    return {pixels_.data() + i * sample_shape.size(), static_cast<std::size_t>(sample_shape.size())};
  }

  void read(index i, const sample_key& key, std::span<float> out) const { view(host_upload{}).read(i, key, out.data()); }
  /// As `resident_dataset` says.
  template <class Upload>
  [[nodiscard]] detail::transformed_view<sample_shape, Transforms...> view(const Upload& upload) const {
    return {transforms_, upload(std::span<const float>{levels_}), upload(std::span<const std::uint8_t>{pixels_}),
            upload(std::span<const int>{labels_}), size()};
  }

 private:
  /// Takes one image through the fixed transforms from number Step on.
  template <std::size_t Step, shape S>
  static void prepare(const std::uint8_t* in, std::uint8_t* out) {
    if constexpr (Step == fixed_count()) {
      std::memcpy(out, in, static_cast<std::size_t>(S.size()));
    } else {
      using step = std::tuple_element_t<Step, std::tuple<Transforms...>>;
      constexpr shape next = step::output(S);
      if constexpr (Step + 1 == fixed_count()) {
        step::template apply<S>(in, out);
      } else {
        std::vector<std::uint8_t> between(static_cast<std::size_t>(next.size()));
        step::template apply<S>(in, between.data());
        prepare<Step + 1, next>(between.data(), out);
      }
    }
  }
  static constexpr std::size_t fixed_count() { return (std::size_t{0} + ... + std::size_t{Transforms::kind == kinds::fixed}); }

  detail::transform_chain<Transforms...> transforms_;
  normalize scale_;
  std::array<float, 256> levels_;
  std::vector<std::uint8_t> pixels_;
  std::vector<int> labels_;
};

/// Images taken through transforms: `resize` and `pad` first, then `random_rotation`, `random_affine`, `random_roll` and `color_jitter` in
/// any order, `normalize` last; each may be left out. Copies what it needs of the images. `transformed(part.train, ...)` of a split works
/// alike.
/// @throws argument_error if a transform's parameters make no sense
template <byte_image_dataset Source, class... Transforms>
[[nodiscard]] auto transformed(const Source& images, const Transforms&... transforms) {
  static_assert((detail::transform<Transforms> && ...),
                "transformed: takes resize, pad, random_rotation, random_affine, random_roll, color_jitter and normalize");
  return transformed_dataset<Source::sample_shape, Source::classes, Transforms...>{images, transforms...};
}

}  // namespace typenet
