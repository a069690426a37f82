// SPDX-License-Identifier: MIT
/// @file
/// The specs by which a layer describes its parameters, its buffers and its outputs.
#pragma once

#include <string_view>

#include <typenet/core/config.hpp>

namespace typenet {

/// The role of a parameter. An initialization scheme has one rule for each.
enum class parameter_role { weight, bias, scale, shift, centers };

/// One learned tensor of a layer. Layout: row-major over `extents`.
struct parameter_spec {
  std::string_view name;  ///< PyTorch's name, such as "weight"
  parameter_role role = parameter_role::weight;
  int rank = 1;                   ///< 0 to 4
  int extents[4] = {1, 1, 1, 1};  ///< the first `rank` count; the others are 1
  int fan_in = 1;                 ///< inputs that one output unit reads: initializers scale by it
  int fan_out = 1;                ///< outputs that one input unit feeds

  /// Numbers in the tensor.
  [[nodiscard]] constexpr index size() const { return index{extents[0]} * extents[1] * extents[2] * extents[3]; }
};

/// One tensor that a layer keeps without learning it, such as a running mean. Layout: row-major over `extents`.
struct buffer_spec {
  std::string_view name;          ///< PyTorch's name, such as "running_mean"
  int rank = 1;                   ///< 0 to 4
  int extents[4] = {1, 1, 1, 1};  ///< the first `rank` count; the others are 1
  double initial = 0;             ///< the value of every element at the start
  bool integer = false;           ///< saved as a 64-bit integer, as PyTorch saves `num_batches_tracked`

  /// Numbers in the tensor.
  [[nodiscard]] constexpr index size() const { return index{extents[0]} * extents[1] * extents[2] * extents[3]; }
};

/// The output of a network that names the class.
enum class best_score {
  highest,  ///< outputs are scores: the highest
  lowest    ///< outputs are penalties: the lowest
};

/// The largest number of parameters, and of buffers, that one layer may have.
inline constexpr int max_layer_tensors = 4;

}  // namespace typenet
