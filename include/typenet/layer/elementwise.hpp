// SPDX-License-Identifier: MIT
/// @file
/// elementwise: the base of layers that map each number by itself, such as relu and tanh.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/fusion_role.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/simd/execution.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// The value of the forward pass from which an element-wise layer computes its slope.
enum class differentiates_from {
  input,  ///< the input x, which is kept for the backward pass
  output  ///< the output y, which may overwrite the input
};

/// A layer that maps each number by itself, for inputs of any shape.
/// @tparam Derived the layer. It has
/// - `template <class Pack> static Pack apply(const Pack& x)`: the function
/// - `template <class Pack> static Pack derivative(const Pack& v)`: the slope at x; v is x or the output, as `From` says
/// - optional, `is_monotonic` and `pass_back`, which replace the members below
template <class Derived, differentiates_from From>
struct elementwise : layer_defaults {
  static constexpr bool backward_reads_input = From == differentiates_from::input;
  static constexpr bool backward_reads_output = From == differentiates_from::output;
  static constexpr bool in_place = true;
  /// True where no larger input has a smaller output. Max pooling after the layer then costs less.
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
  /// The gradient times the slope; v is the argument of `derivative`. A layer that has a cheaper form declares its own.
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack pass_back(const Pack& v, const Pack& gradient) {
    return Derived::derivative(v) * gradient;
  }
  /// The gradient times the slope at x, where the output is y.
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
      lane::store_or_add<Accumulate>(lane::block<pack>(data.input_gradient, block) + offset, Derived::pass_back(value, gradient));
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

  /// ∂²E/∂x² = (slope)² ∂²E/∂y²: the Gauss-Newton approximation, without the term of the second derivative of y.
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
