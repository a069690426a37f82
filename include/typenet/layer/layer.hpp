// SPDX-License-Identifier: MIT
/// @file
/// What a layer is: an empty type that says which inputs it accepts, what comes out, which parameters it has, and how
/// its arithmetic runs on packs of samples. To write one, derive from `layer_defaults` or `elementwise`.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// What a parameter is for; an initialisation scheme has a rule for each role.
enum class parameter_role { weight, bias, scale, shift, centers };

/// One learned tensor of a layer, named as PyTorch names it.
struct parameter_spec {
  std::string_view name;
  parameter_role role = parameter_role::weight;
  int rank = 1;
  int extents[4] = {1, 1, 1, 1};
  /// Inputs that one output unit reads, and outputs that one input unit feeds: what initialisers scale by.
  int fan_in = 1;
  int fan_out = 1;

  [[nodiscard]] constexpr index size() const { return index{extents[0]} * extents[1] * extents[2] * extents[3]; }
};

/// One tensor that a layer keeps without learning it, such as a running mean.
struct buffer_spec {
  std::string_view name;
  int rank = 1;
  int extents[4] = {1, 1, 1, 1};
  double initial = 0;
  /// Saved as a 64-bit integer, as PyTorch does with `num_batches_tracked`.
  bool integer = false;

  [[nodiscard]] constexpr index size() const { return index{extents[0]} * extents[1] * extents[2] * extents[3]; }
};

/// Which of a network's outputs names the class: the highest score, or the lowest penalty.
enum class best_score { highest, lowest };

/// Most parameter tensors, and most buffers, of one layer.
inline constexpr int max_layer_tensors = 4;

/// A value of the network for a batch, stored batch-innermost as [lane group][channel][row][column][lane]: `base` is
/// group 0, `stride` the distance between groups. Element e of a block's sample lies `e * Lanes` further on.
template <class Scalar, int Lanes>
struct lane_view {
  Scalar* base = nullptr;
  index stride = 0;

  /// Where block b begins; a block is one pack wide, so a group holds `Lanes / width<Pack>` of them.
  template <class Pack>
  [[nodiscard]] TYPENET_HD TYPENET_INLINE Scalar* block(index b) const {
    constexpr int per_group = Lanes / lane::width<Pack>;
    if constexpr (per_group == 1) {
      return base + b * stride;
    } else {
      return base + (b / per_group) * stride + (b % per_group) * lane::width<Pack>;
    }
  }
};

/// Everything that a layer's kernels may touch. Parameters, gradients and buffers come in the order of their specs.
template <class Scalar, int Lanes>
struct layer_data {
  lane_view<const Scalar, Lanes> input;
  lane_view<Scalar, Lanes> output;
  lane_view<const Scalar, Lanes> output_gradient;
  lane_view<Scalar, Lanes> input_gradient;
  /// What the layer asked to keep per sample (`saved_size`).
  lane_view<Scalar, Lanes> saved;
  const Scalar* parameters[max_layer_tensors] = {};
  Scalar* gradients[max_layer_tensors] = {};
  Scalar* buffers[max_layer_tensors] = {};
  /// `scratch_size` scalars, kept from forward to backward.
  Scalar* scratch = nullptr;
  /// Tells apart the layers that draw random numbers.
  std::uint32_t random_substream = 0;
};

/// What is known of a layer's second derivatives. @see runtime/curvature.hpp
enum class second_order {
  unknown,  ///< nothing
  squares,  ///< it is linear in its input and in its parameters: squares of both in the formulas of the gradients are all there is to it
  own       ///< it has `backward_curvature`
};

/// What a layer may be to its neighbours when they run as one, in the order in which they then stand. @see kernels/chain.hpp
enum class fusion_role {
  alone,          ///< nothing: it runs by itself
  producer,       ///< makes images piece by piece, as conv2d does
  normalisation,  ///< scales and shifts channels by what it learns of the batch, as batch_norm does
  map,            ///< maps each number by itself: whatever is `elementwise`
  window          ///< makes one number of each window, and no two windows share an input
};

/// What the pass for second derivatives hands a layer: `output_gradient` and `input_gradient` are their second derivatives here, and
/// `gradients` the parameters'.
template <class Scalar, int Lanes>
struct curvature_data : layer_data<Scalar, Lanes> {
  /// The gradient itself.
  lane_view<const Scalar, Lanes> output_slope;
};

/// What most layers have none of. Derive from it and declare what yours does.
///
/// A layer also provides, for `Exec` an execution (its `pack` and `lanes`, `blocks()`, `batch()`, `training()`, `for_each(items,
/// function)`, `reduce<Sums>(items, length, partial, finish)`) and `Data` a `layer_data`:
/// - `template <shape In> static constexpr auto check()`: `accepted{}` or one of `needs`
/// - `static constexpr shape output(shape in)`
/// - `template <shape In, class Exec, class Data> TYPENET_HD static void forward(Exec&, const Data&)`
/// - `template <shape In, bool Accumulate, class Exec, class Data> TYPENET_HD static void backward_input(Exec&, const Data&)`:
///   writes the input's gradient, or adds to it
/// - with parameters, `template <shape In, class Exec, class Data> TYPENET_HD static void backward_parameters(Exec&, const Data&)`,
///   which writes (not adds) every gradient; that of a layer that is `in_place` runs before `backward_input`
///
/// The output's gradient is zero in lanes beyond the batch, and `backward_input` keeps it so.
struct layer_defaults {
  static constexpr std::array<parameter_spec, 0> parameters(shape) { return {}; }
  static constexpr std::array<buffer_spec, 0> buffers(shape) { return {}; }
  /// Multiply-accumulates of one forward pass of one sample.
  static constexpr index macs(shape) { return 0; }
  /// What the outputs of one sample read, as LeCun et al. 1998 count it: a tap each, and a bias each. A layer without weights counts none,
  /// nor does a normalisation.
  static constexpr index connections(shape) { return 0; }
  /// Scalars kept per sample from forward to backward.
  static constexpr index saved_size(shape) { return 0; }
  /// Scalars of working memory for a batch of `samples` (a multiple of the lanes).
  static constexpr index scratch_size(shape, index /*samples*/) { return 0; }
  /// Whether what becomes of one sample depends on the others of the batch, or `forward` and `backward_input` use `scratch`. Layers of
  /// which neither is true are run on one part of a batch after another.
  static constexpr bool mixes_samples = false;
  // A layer whose kernels for `row_execution` want another amount has `row_scratch_size(shape, samples)` as well.
  /// Whether the backward pass reads the input, and the output, of the forward pass.
  static constexpr bool backward_reads_input = true;
  static constexpr bool backward_reads_output = false;
  /// Whether output may overwrite input, and the input's gradient the output's.
  static constexpr bool in_place = false;
  /// Whether the output is the input under another shape.
  static constexpr bool only_reshapes = false;
  /// What its outputs are where a network ends with it: scores, or penalties, of which the class has the lowest.
  static constexpr best_score best_output = best_score::highest;
  template <shape In>
  static constexpr fusion_role role() {
    return fusion_role::alone;
  }
  /// Where it is `own`, the layer has `template <shape In, bool Wanted, bool Accumulate, class Exec, class Data> TYPENET_HD static void
  /// backward_curvature(Exec&, const Data&)` for a `curvature_data`: it writes the parameters' curvatures and, if `Wanted`, the input's.
  static constexpr second_order curvature = second_order::unknown;
  static constexpr bool is_layer = true;
};

/// A type that can stand in a network.
template <class L>
concept layer = std::is_empty_v<L> && requires {
  { L::is_layer } -> std::convertible_to<bool>;
};

namespace detail {

constexpr index ceil_div(index a, index b) { return (a + b - 1) / b; }

}  // namespace detail

/// An execution that holds one sample at a time: its pack is a single number, and its `row` a register of a sample's neighbouring numbers,
/// for kernels that put them in the lanes. A row may be read, not written, up to a register beyond its end.
template <class Exec>
concept row_execution = requires { typename Exec::row; };

// What kernels of layers share, beside the arithmetic of lane.hpp.
namespace lane {

/// Writes a gradient, or adds to what another consumer of the same value has written.
template <bool Accumulate, class Pack>
TYPENET_HD TYPENET_INLINE void put(lane::scalar_t<Pack>* to, const Pack& value) {
  if constexpr (Accumulate)
    lane::store<Pack>(to, lane::load<Pack>(to) + value);
  else
    lane::store<Pack>(to, value);
}

/// The same for the first `count` lanes, anywhere.
template <bool Accumulate, class Pack>
TYPENET_HD TYPENET_INLINE void put_first(lane::scalar_t<Pack>* to, const Pack& value, int count) {
  if constexpr (Accumulate) {
    put_first<false, Pack>(to, lane::load_unaligned<Pack>(to) + value, count);
  } else if (count >= lane::width<Pack>) {
    lane::store_unaligned<Pack>(to, value);
  } else {
    lane::store_first<Pack>(to, value, count);
  }
}

/// Samples of block b that are part of the batch.
template <class Pack>
TYPENET_HD TYPENET_INLINE int valid_lanes(index block, index batch) {
  const index left = batch - block * lane::width<Pack>;
  return left >= lane::width<Pack> ? lane::width<Pack> : left > 0 ? static_cast<int>(left) : 0;
}

/// Zeroes the lanes that are not part of the batch.
template <class Pack>
TYPENET_HD TYPENET_INLINE Pack keep_lanes(const Pack& value, int valid) {
  return valid >= lane::width<Pack> ? value : lane::select<Pack>(lane::first_lanes<Pack>(valid), value, lane::broadcast<Pack>(0));
}

/// Adds `count` neighbouring numbers of each lane to `sum`.
template <class Pack, int Lanes>
TYPENET_HD TYPENET_INLINE void add_run(const lane::scalar_t<Pack>* from, index count, Pack& sum) {
  // Four chains hide the additions' latency.
  Pack part[4] = {lane::broadcast<Pack>(0), lane::broadcast<Pack>(0), lane::broadcast<Pack>(0), lane::broadcast<Pack>(0)};
  index e = 0;
  for (; e + 4 <= count; e += 4) {
    TYPENET_UNROLL
    for (int i = 0; i < 4; ++i) part[i] = part[i] + lane::load<Pack>(from + (e + i) * Lanes);
  }
  for (; e < count; ++e) part[0] = part[0] + lane::load<Pack>(from + e * Lanes);
  sum = sum + ((part[0] + part[1]) + (part[2] + part[3]));
}

/// Cuts [first, last), which counts `size` numbers of each block, where blocks end: calls `body(block, begin, end)` for each piece,
/// begin and end counted from the block's start.
template <class Body>
TYPENET_HD TYPENET_INLINE void for_each_run(index first, index last, index size, const Body& body) {
  while (first < last) {
    const index block = first / size;
    const index begin = first - block * size;
    const index end = last - block * size < size ? last - block * size : size;
    body(block, begin, end);
    first += end - begin;
  }
}

/// Numbers that a work item of `Exec` takes on, of `all` that it could.
template <class Exec>
constexpr int grain(int all, int small) {
  return Exec::many_workers && small < all ? small : all;
}

/// Calls `body(block, element offset in scalars)` for each pack of a value of `Size` numbers a sample.
template <int Size, class Exec, class Body>
TYPENET_HD void for_each_pack(Exec& exec, Body body) {
  constexpr int chunk = grain<Exec>(64, 4);
  constexpr index chunks = detail::ceil_div(Size, chunk);
  exec.for_each(exec.blocks() * chunks, [=] TYPENET_HD(index item) {
    const index block = item / chunks;
    const int first = static_cast<int>(item % chunks) * chunk;
    const int last = first + chunk < Size ? first + chunk : Size;
    for (int e = first; e < last; ++e) body(block, index{e} * Exec::lanes);
  });
}

/// Calls `body(sample, first, count)` for each row of a value of `Size` numbers a sample: `count` of them from the number `first` on.
template <int Size, row_execution Exec, class Body>
TYPENET_HD void for_each_row(Exec& exec, const Body& body) {
  constexpr int width = lane::width<typename Exec::row>;
  constexpr int chunk = 64 * width;
  constexpr index chunks = detail::ceil_div(Size, chunk);
  exec.for_each(exec.blocks() * chunks, [&](index item) {
    const int first = static_cast<int>(item % chunks) * chunk;
    const int last = first + chunk < Size ? first + chunk : Size;
    int e = first;
    for (; e + width <= last; e += width) body(item / chunks, e, width);
    if (e < last) body(item / chunks, e, last - e);
  });
}

/// A copy, or the gradient of a value that is passed on.
template <int Size, bool Accumulate, class Exec, class From, class To>
TYPENET_HD void pass_values(Exec& exec, const From& from, const To& to) {
  using pack = typename Exec::pack;
  for_each_pack<Size>(exec, [=] TYPENET_HD(index block, index offset) {
    lane::put<Accumulate, pack>(to.template block<pack>(block) + offset, lane::load<pack>(from.template block<pack>(block) + offset));
  });
}
template <int Size, bool Accumulate, row_execution Exec, class From, class To>
TYPENET_HD void pass_values(Exec& exec, const From& from, const To& to) {
  using scalar = typename Exec::scalar;
  using row = typename Exec::row;
  lane::for_each_row<Size>(exec, [&](index sample, int first, int count) {
    lane::put_first<Accumulate, row>(to.template block<scalar>(sample) + first,
                                     lane::load_unaligned<row>(from.template block<scalar>(sample) + first), count);
  });
}

}  // namespace lane

/// Which value of the forward pass an element-wise layer differentiates from.
enum class differentiates_from { input, output };

/// A layer that maps each number by itself. `Derived` has
/// `template <class Pack> static Pack apply(Pack x)` and
/// `template <class Pack> static Pack derivative(Pack v)`, the slope at x, v being x or the output as `From` says.
template <class Derived, differentiates_from From>
struct elementwise : layer_defaults {
  static constexpr bool backward_reads_input = From == differentiates_from::input;
  static constexpr bool backward_reads_output = From == differentiates_from::output;
  static constexpr bool in_place = true;
  /// Whether no larger number has a smaller output.
  static constexpr bool never_falls = false;

  template <shape In>
  static constexpr auto check() {
    return accepted{};
  }
  static constexpr shape output(shape in) { return in; }
  template <shape In>
  static constexpr fusion_role role() {
    return fusion_role::map;
  }
  /// The slope at x, where the output is y.
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack slope_at(const Pack& x, const Pack& y) {
    return Derived::template derivative<Pack>(From == differentiates_from::input ? x : y);
  }
  /// A gradient times the slope, `derivative` of `v`. A layer may know a shorter way.
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack pass_back(const Pack& v, const Pack& gradient) {
    return Derived::template derivative<Pack>(v) * gradient;
  }
  /// The same at x, where the output is y.
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack pass_back_at(const Pack& x, const Pack& y, const Pack& gradient) {
    return Derived::template pass_back<Pack>(From == differentiates_from::input ? x : y, gradient);
  }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    lane::for_each_pack<In.size()>(exec, [=] TYPENET_HD(index block, index offset) {
      const pack x = lane::load<pack>(data.input.template block<pack>(block) + offset);
      lane::store<pack>(data.output.template block<pack>(block) + offset, Derived::template apply<pack>(x));
    });
  }

  template <shape In, row_execution Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using row = typename Exec::row;
    lane::for_each_row<In.size()>(exec, [&](index sample, int first, int count) {
      const row x = lane::load_unaligned<row>(data.input.template block<scalar>(sample) + first);
      lane::put_first<false, row>(data.output.template block<scalar>(sample) + first, Derived::template apply<row>(x), count);
    });
  }

  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    lane::for_each_pack<In.size()>(exec, [=] TYPENET_HD(index block, index offset) {
      const pack gradient = lane::load<pack>(data.output_gradient.template block<pack>(block) + offset);
      const scalar* const seen =
          From == differentiates_from::input ? data.input.template block<pack>(block) : data.output.template block<pack>(block);
      const pack value = lane::load<pack>(seen + offset);
      lane::put<Accumulate, pack>(data.input_gradient.template block<pack>(block) + offset,
                                  Derived::template pass_back<pack>(value, gradient));
    });
  }
  template <shape In, bool Accumulate, row_execution Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using row = typename Exec::row;
    lane::for_each_row<In.size()>(exec, [&](index sample, int first, int count) {
      const scalar* const seen =
          From == differentiates_from::input ? data.input.template block<scalar>(sample) : data.output.template block<scalar>(sample);
      const row gradient = lane::load_unaligned<row>(data.output_gradient.template block<scalar>(sample) + first);
      lane::put_first<Accumulate, row>(data.input_gradient.template block<scalar>(sample) + first,
                                       Derived::template pass_back<row>(lane::load_unaligned<row>(seen + first), gradient), count);
    });
  }

  static constexpr second_order curvature = second_order::own;
  template <shape In, bool Wanted, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_curvature(Exec& exec, const Data& data) {
    if constexpr (Wanted) scale_curvature<In, Accumulate>(exec, data);
  }
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void scale_curvature(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    lane::for_each_pack<In.size()>(exec, [=] TYPENET_HD(index block, index offset) {
      const pack y = lane::load<pack>(data.output.template block<pack>(block) + offset);
      const pack slope = slope_at<pack>(lane::load<pack>(data.input.template block<pack>(block) + offset), y);
      const pack of_output = lane::load<pack>(data.output_gradient.template block<pack>(block) + offset);
      lane::put<Accumulate, pack>(data.input_gradient.template block<pack>(block) + offset, slope * slope * of_output);
    });
  }
};

}  // namespace typenet
