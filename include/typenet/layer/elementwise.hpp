// SPDX-License-Identifier: MIT
/// @file
/// The base of layers that map each number by itself: relu, tanh and the like.
#pragma once

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/simd/loops.hpp>

namespace typenet {

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
  static constexpr bool is_monotonic = false;

  template <shape In>
  static constexpr auto check() {
    return accepted{};
  }
  static constexpr shape output(shape in) { return in; }
  template <shape In>
  static constexpr fusion_role role() {
    return fusion_role::activation;
  }
  /// The slope at x, where the output is y.
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack slope_at(const Pack& x, const Pack& y) {
    return Derived::derivative(From == differentiates_from::input ? x : y);
  }
  /// A gradient times the slope, `derivative` of `v`. A layer may know a shorter way.
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack pass_back(const Pack& v, const Pack& gradient) {
    return Derived::derivative(v) * gradient;
  }
  /// The same at x, where the output is y.
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack pass_back_at(const Pack& x, const Pack& y, const Pack& gradient) {
    return Derived::pass_back(From == differentiates_from::input ? x : y, gradient);
  }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    lane::for_each_pack<In.size()>(exec, [=] TYPENET_HD(index block, index offset) {
      const pack x = lane::load<pack>(lane::block<pack>(data.input, block) + offset);
      lane::store(lane::block<pack>(data.output, block) + offset, Derived::apply(x));
    });
  }

  template <shape In, one_sample_execution Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using vector = typename Exec::vector;
    lane::for_each_vector<In.size()>(exec, [&](index sample, int first, int count) {
      const vector x = lane::load_unaligned<vector>(lane::block<scalar>(data.input, sample) + first);
      lane::store_or_add_first<false>(lane::block<scalar>(data.output, sample) + first, Derived::apply(x), count);
    });
  }

  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    lane::for_each_pack<In.size()>(exec, [=] TYPENET_HD(index block, index offset) {
      const pack gradient = lane::load<pack>(lane::block<pack>(data.output_gradient, block) + offset);
      const scalar* const seen =
          From == differentiates_from::input ? lane::block<pack>(data.input, block) : lane::block<pack>(data.output, block);
      const pack value = lane::load<pack>(seen + offset);
      lane::store_or_add<Accumulate>(lane::block<pack>(data.input_gradient, block) + offset,
                                  Derived::pass_back(value, gradient));
    });
  }
  template <shape In, bool Accumulate, one_sample_execution Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using scalar = typename Exec::scalar;
    using vector = typename Exec::vector;
    lane::for_each_vector<In.size()>(exec, [&](index sample, int first, int count) {
      const scalar* const seen =
          From == differentiates_from::input ? lane::block<scalar>(data.input, sample) : lane::block<scalar>(data.output, sample);
      const vector gradient = lane::load_unaligned<vector>(lane::block<scalar>(data.output_gradient, sample) + first);
      lane::store_or_add_first<Accumulate>(lane::block<scalar>(data.input_gradient, sample) + first,
                                       Derived::pass_back(lane::load_unaligned<vector>(seen + first), gradient), count);
    });
  }

  static constexpr second_order curvature = second_order::custom;
  template <shape In, bool Wanted, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_curvature(Exec& exec, const Data& data) {
    if constexpr (Wanted) scale_curvature<In, Accumulate>(exec, data);
  }
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void scale_curvature(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    lane::for_each_pack<In.size()>(exec, [=] TYPENET_HD(index block, index offset) {
      const pack y = lane::load<pack>(lane::block<pack>(data.output, block) + offset);
      const pack slope = slope_at<pack>(lane::load<pack>(lane::block<pack>(data.input, block) + offset), y);
      const pack of_output = lane::load<pack>(lane::block<pack>(data.output_gradient, block) + offset);
      lane::store_or_add<Accumulate>(lane::block<pack>(data.input_gradient, block) + offset, slope * slope * of_output);
    });
  }
};

}  // namespace typenet
