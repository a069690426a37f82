// SPDX-License-Identifier: MIT
/// @file
/// resize: images of another height and width.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include <typenet/core/shape.hpp>
#include <typenet/data/transforms/transform.hpp>

namespace typenet {

namespace detail {

/// Pillow's bilinear filter on one axis. Output o is the weighted sum of `count[o]` inputs from `first[o]` on. The weights are a tent: of
/// one input's half-width where the axis grows, of one output's half-width where it shrinks. They are fixed-point numbers of 22 bits.
/// @tparam In numbers along the axis before
/// @tparam Out numbers along the axis after
template <int In, int Out>
struct bilinear_axis {
  static constexpr double scale = static_cast<double>(In) / Out;
  static constexpr double support = scale > 1 ? scale : 1;
  static constexpr int taps = 2 * (static_cast<int>(support) + 1) + 1;
  static constexpr int precision = 22;

  int first[Out]{};         ///< [output]: its first input
  int count[Out]{};         ///< [output]: its number of inputs
  int weight[Out][taps]{};  ///< [output][input from `first` on]: in units of 2^-22

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

  /// Output o, rounded to 8 bits.
  /// @param in the inputs, `stride` bytes apart
  [[nodiscard]] constexpr std::uint8_t operator()(const std::uint8_t* in, int stride, int o) const {
    int sum = 1 << (precision - 1);
    for (int k = 0; k < count[o]; ++k) sum += in[(first[o] + k) * stride] * weight[o][k];
    return static_cast<std::uint8_t>(std::clamp(sum >> precision, 0, 255));
  }
};

/// The filter from `In` numbers to `Out`, one object for all its uses.
template <int In, int Out>
inline constexpr bilinear_axis<In, Out> bilinear{};

/// An output of a bilinear interpolation on one axis: it lies between two neighboring inputs, at any ratio of the sizes.
/// @tparam In numbers along the axis before
/// @tparam Out numbers along the axis after
template <int In, int Out>
struct interpolated_axis {
  static constexpr std::int64_t unit = 2 * Out;  // the weights are in units of 1 / (2 Out)

  int first, second;                         ///< the inputs
  std::int64_t first_weight, second_weight;  ///< sum to `unit`

  constexpr explicit interpolated_axis(int o) {
    const std::int64_t position = std::max((2 * std::int64_t{o} + 1) * In - Out, std::int64_t{0});  // of the output, in units
    first = static_cast<int>(position / unit);
    second = std::min(first + 1, In - 1);
    second_weight = position % unit;
    first_weight = unit - second_weight;
  }
};

}  // namespace detail

/// An option of `resize`: `antialias<true>` where a pixel of a smaller image is the weighted mean of all pixels that it covers.
template <bool On>
struct antialias {
  static constexpr bool on = On;
};

/// Resizes images to Height x Width by bilinear interpolation, rounded to 8 bits. A fixed transform.
///
/// With antialiasing it computes what torchvision.transforms.Resize computes of a PIL image. Without it (`antialias<false>`) a pixel lies
/// between its four nearest pixels, in exact arithmetic, rounded to 8 bits once, halves to even.
/// @tparam Antialias `antialias<true>` or `antialias<false>`
/// @see torchvision.transforms.Resize; torch.nn.functional.interpolate with mode="bilinear", align_corners=False
template <int Height, int Width, class Antialias = antialias<true>>
  requires(Height > 0 && Width > 0 && std::same_as<Antialias, antialias<Antialias::on>>)
struct resize {
  static constexpr auto kind = transform_kind::fixed;
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
  /// Resizes one channel, with antialiasing: first along the rows, then along the columns.
  /// @param in [row][column], of shape In
  /// @param out [row][column], Height x Width
  template <shape In>
  static void smooth(const std::uint8_t* in, std::uint8_t* out) {
    constexpr auto& across = detail::bilinear<In.width(), Width>;
    constexpr auto& down = detail::bilinear<In.height(), Height>;
    std::uint8_t resized_rows[static_cast<std::size_t>(In.height() * Width)];
    for (int y = 0; y < In.height(); ++y) {
      for (int x = 0; x < Width; ++x) resized_rows[y * Width + x] = across(in + y * In.width(), 1, x);
    }
    for (int y = 0; y < Height; ++y) {
      for (int x = 0; x < Width; ++x) out[y * Width + x] = down(resized_rows + x, Width, y);
    }
  }

  /// Resizes one channel, without antialiasing.
  /// @param in [row][column], of shape In
  /// @param out [row][column], Height x Width
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

}  // namespace typenet
