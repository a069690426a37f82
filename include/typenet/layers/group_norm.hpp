// SPDX-License-Identifier: MIT
/// @file
/// group_norm: groups of channels normalized within each sample. The arithmetic is in kernels/group_norm.hpp.
#pragma once

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/real.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/group_norm.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/layers/scale_and_shift.hpp>

namespace typenet {

/// y = γ (x − μ) / √(σ² + ε) + β, with μ and σ² (biased) of each sample over one group of channels and all positions. γ and β differ by
/// channel. Parameters: `weight` (γ) [channels], `bias` (β) [channels].
/// @tparam Groups number of groups; divides the channels
/// @tparam Epsilon ε, added to the variance
/// @see Wu and He 2018; torch.nn.GroupNorm
template <int Groups, real Epsilon = 1e-5>
struct group_norm : layer_defaults {
  template <shape In>
  static constexpr auto check() {
    if constexpr (Groups < 1)
      return needs::positive_sizes{};
    else if constexpr (In.channels() % Groups != 0)
      return needs::channels_divisible_by<Groups>{};
    else if constexpr (!Epsilon.is_number())
      return needs::a_decimal_number{};
    else if constexpr (Epsilon.value() <= 0)
      return needs::an_epsilon_above_zero{};
    else
      return accepted{};
  }
  static constexpr shape output(shape in) { return in; }
  static constexpr auto parameters(shape in) { return detail::scale_and_shift(in.channels()); }
  /// The mean and 1/σ of each group.
  static constexpr index saved_size(shape) { return 2 * Groups; }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    detail::group_norm_kernel<In, Groups, Epsilon>::forward(exec, data);
  }
  template <shape In, class Exec, class Data>
  TYPENET_HD static void backward_parameters(Exec& exec, const Data& data) {
    detail::group_norm_kernel<In, Groups, Epsilon>::backward_parameters(exec, data);
  }
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    detail::group_norm_kernel<In, Groups, Epsilon>::template backward_input<Accumulate>(exec, data);
  }
};

}  // namespace typenet
