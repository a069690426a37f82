// SPDX-License-Identifier: MIT
/// @file
/// batch_norm: each channel normalized over the batch. The arithmetic is in kernels/batch_norm.hpp.
#pragma once

#include <array>

#include <typenet/core/diagnostics.hpp>
#include <typenet/core/real.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/kernels/batch_norm.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/layers/scale_and_shift.hpp>

namespace typenet {

/// y = γ (x − μ) / √(σ² + ε) + β for each channel of an image or each feature of a vector.
///
/// In training, μ and σ² (biased) are taken over the batch and all positions. Otherwise they are the running averages, which training
/// updates; the running variance is the unbiased one. Parameters: `weight` (γ) [channels], `bias` (β) [channels]. Buffers: `running_mean`
/// [channels], `running_var` [channels], `num_batches_tracked`.
/// @tparam Epsilon ε, added to the variance
/// @tparam Momentum the weight of the newest batch in the running averages
/// @see Ioffe and Szegedy 2015; torch.nn.BatchNorm2d, torch.nn.BatchNorm1d
template <real Epsilon = 1e-5, real Momentum = 0.1>
struct batch_norm : layer_defaults, detail::batch_norm_kernel<Epsilon, Momentum> {
  template <shape In>
  static constexpr auto check() {
    if constexpr (!Epsilon.is_number() || !Momentum.is_number())
      return needs::a_decimal_number{};
    else if constexpr (Epsilon.value() <= 0)
      return needs::an_epsilon_above_zero{};
    else if constexpr (Momentum.value() < 0 || Momentum.value() > 1)
      return needs::a_momentum_from_zero_to_one{};
    else
      return accepted{};
  }
  static constexpr shape output(shape in) { return in; }
  static constexpr auto parameters(shape in) { return detail::scale_and_shift(in.channels()); }
  static constexpr auto buffers(shape in) {
    const int channels = in.channels();
    return std::array<buffer_spec, 3>{buffer_spec{"running_mean", 1, {channels, 1, 1, 1}, 0, false},
                                      buffer_spec{"running_var", 1, {channels, 1, 1, 1}, 1, false},
                                      buffer_spec{"num_batches_tracked", 0, {1, 1, 1, 1}, 0, true}};
  }
  /// Four numbers for each channel: mean, 1/σ, slope and offset (kernels/batch_norm.hpp).
  static constexpr index scratch_size(shape in, index) { return 4 * index{in.channels()}; }
  static constexpr bool mixes_samples = true;

  template <shape In>
  static constexpr fusion_role role() {
    return fusion_role::normalization;
  }
};

}  // namespace typenet
