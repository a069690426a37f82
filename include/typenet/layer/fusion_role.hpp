// SPDX-License-Identifier: MIT
/// @file
/// The roles in which layers run as one chain (kernels/chain.hpp), and what a layer must offer to take each. Fusion knows layers by these
/// roles alone, never by name.
#pragma once

#include <concepts>

#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/layer_data.hpp>
#include <typenet/simd/execution.hpp>

namespace typenet {

/// A layer's place in a chain. Roles of a chain follow one another in this order; each may be missing.
enum class fusion_role {
  alone,          ///< runs by itself
  producer,       ///< computes its output tile by tile, as conv2d does
  normalization,  ///< scales and shifts each channel by statistics of the batch, as batch_norm does
  activation,     ///< maps each number by itself, as every `elementwise` layer does
  pool            ///< reduces each window to one number, the windows being disjoint, as max_pool2d does
};

/// A layer that computes its output tile by tile.
///
/// - `tiles<In, Exec>`: `channels` and `columns` of one tile, `tiles_per_row`, and `run(data, block, channel, row, tile)`, which writes one
///   tile of `data.output`
/// - `max_tiles_per_row(in)`: an upper bound of `tiles_per_row`
/// - `backward_weights<In, Centered>(exec, data)`: writes the gradients of the parameters; where `Centered`, the output's gradients of each
///   channel sum to zero
template <class L, shape In>
concept producer_layer = requires(detail::execution_archetype& exec, const layer_data<float, 1>& data) {
  { L::template tiles<In, detail::execution_archetype>::channels } -> std::convertible_to<int>;
  { L::template tiles<In, detail::execution_archetype>::columns } -> std::convertible_to<int>;
  { L::template tiles<In, detail::execution_archetype>::tiles_per_row } -> std::convertible_to<int>;
  L::template tiles<In, detail::execution_archetype>::run(data, index{0}, 0, 0, 0);
  { L::max_tiles_per_row(In) } -> std::same_as<int>;
  L::template backward_weights<In, true>(exec, data);
  L::template backward_input<In, true>(exec, data);
};

/// A layer that scales and shifts each channel by statistics of the batch. `sum[0]` and `sum[1]` are a channel's deviations from a number
/// near its mean, and their squares.
///
/// - `compute_statistics<In>(exec, data)`: the statistics of `data.input`, by itself
/// - `add_deviations<pack, lanes>(x, valid, about, first, last, sum)`: adds elements [first, last) of a plane to `sum`
/// - `write_statistics<In, pack, lanes>(data, channel, batch, sum)`: the statistics from the sums over the batch
/// - `normalizer<In, pack>(data, channel, training)`: a function object x → y
/// - `normalizer_backward<In, pack>(data, channel, batch)`: a function object (dy, x) → dx
/// - `mean<pack>(data, channel)`: the channel's mean
/// - `scale_sign(data, channel)`: 1 where y rises with x, −1 where it falls, 0 where it is constant
/// - `write_gradients<In>(data, channel, total)`: the parameters' gradients from Σ dy and Σ dy (x − mean)
template <class L, shape In>
concept normalization_layer =
    requires(detail::execution_archetype& exec, const layer_data<float, 1>& data, float x, float (&sum)[2], const float (&total)[2]) {
      L::template compute_statistics<In>(exec, data);
      L::template add_deviations<float, 1>(&x, 1, x, index{0}, index{1}, sum);
      L::template write_statistics<In, float, 1>(data, index{0}, index{1}, total);
      { L::template normalizer<In, float>(data, index{0}, true)(x) } -> std::convertible_to<float>;
      { L::template normalizer_backward<In, float>(data, index{0}, index{1})(x, x) } -> std::convertible_to<float>;
      { L::template mean<float>(data, index{0}) } -> std::convertible_to<float>;
      { L::scale_sign(data, index{0}) } -> std::same_as<int>;
      L::template write_gradients<In>(data, index{0}, total);
    };

/// A layer that maps each number by itself.
///
/// - `apply(x)`: the output
/// - `pass_back_at(x, y, gradient)`: the gradient times the slope at x, where the output is y
/// - `is_monotonic`: true where no larger input has a smaller output
template <class L>
concept activation_layer = requires(float x) {
  { L::apply(x) } -> std::same_as<float>;
  { L::pass_back_at(x, x, x) } -> std::same_as<float>;
  { L::is_monotonic } -> std::convertible_to<bool>;
};

/// A layer that reduces each window to one number. `x` are the window's inputs in reading order.
///
/// - `kernel`: height and width of the windows
/// - `combine(x)`: the output
/// - `distribute_gradient(x, gradient, to)`: writes the inputs' gradients
/// - `is_max`: true where the output is the largest input. Then `distribute_gradient_to_selected(selected, x, gradient, to)` does the same
///   where the output is known
template <class L>
concept pool_layer = requires(const float (&x)[L::kernel.height * L::kernel.width], float (&to)[L::kernel.height * L::kernel.width]) {
  { L::combine(x) } -> std::same_as<float>;
  L::distribute_gradient(x, to[0], to);
  { L::is_max } -> std::convertible_to<bool>;
} && (!L::is_max || requires(const float (&x)[L::kernel.height * L::kernel.width], float (&to)[L::kernel.height * L::kernel.width]) {
                       L::distribute_gradient_to_selected(x[0], x, to[0], to);
                     });

/// A layer that models the concept of its role.
template <class L, shape In, fusion_role Role>
concept fills_role = Role == fusion_role::alone || (Role == fusion_role::producer && producer_layer<L, In>) ||
                     (Role == fusion_role::normalization && normalization_layer<L, In>) ||
                     (Role == fusion_role::activation && activation_layer<L>) || (Role == fusion_role::pool && pool_layer<L>);

}  // namespace typenet
