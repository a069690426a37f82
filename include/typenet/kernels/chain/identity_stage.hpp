// SPDX-License-Identifier: MIT
/// @file
/// identity_stage: stands in a chain (kernels/chain.hpp) for a stage that is missing, and passes values on unchanged.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/fusion_role.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/layer/options.hpp>

namespace typenet::detail {

/// A missing stage of a chain.
/// @tparam Role the role that no layer takes
template <fusion_role Role>
struct identity_stage;

/// No producer: the chain's input is normalized, activated and pooled.
template <>
struct identity_stage<fusion_role::producer> : layer_defaults {
  static constexpr shape output(shape in) { return in; }
  static constexpr int max_tiles_per_row(shape) { return 1; }
};

/// No normalization. The chain then needs no statistics.
template <>
struct identity_stage<fusion_role::normalization> : layer_defaults {};

/// No activation: f(x) = x.
template <>
struct identity_stage<fusion_role::activation> : layer_defaults {
  static constexpr bool is_monotonic = true;
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack apply(const Pack& x) {
    return x;
  }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack pass_back_at(const Pack&, const Pack&, const Pack& gradient) {
    return gradient;
  }
};

/// No pool: each pooling window is one number.
template <>
struct identity_stage<fusion_role::pool> : layer_defaults {
  static constexpr kernel_size kernel{1, 1};
  static constexpr bool is_max = false;
  static constexpr shape output(shape in) { return in; }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static Pack combine(const Pack (&x)[1]) {
    return x[0];
  }
  template <class Pack>
  TYPENET_HD TYPENET_INLINE static void distribute_gradient(const Pack (&)[1], const Pack& gradient, Pack (&to)[1]) {
    to[0] = gradient;
  }
};

}  // namespace typenet::detail
