// SPDX-License-Identifier: MIT
/// @file
/// Register tiles: the size of the block of accumulators that a kernel's inner loop keeps in registers.
#pragma once

#include <typenet/core/config.hpp>

namespace typenet::detail {

/// A tile of `rows` × `columns` accumulators that stay in registers. Each accumulator is one pack.
struct register_tile {
  int rows = 1;
  int columns = 1;
};

/// The cheapest tile for an outer product of `row_limit` × `columns` results.
///
/// One step of a tile loads one operand for each row and `depth` operands for each column, and does one multiply-add for each accumulator.
/// Its time is taken as the larger of loads and multiply-adds, since the machine does two of each a cycle. It is at least eight: so many
/// multiply-adds hide one another's latency.
/// @param row_limit rows of results; a tile's rows divide it (for a convolution, the channels of a group)
/// @param columns columns of results
/// @param column_unit a tile's columns are a multiple of it, or all columns
/// @param depth accumulators for each row and column (for weight gradients, the taps of one kernel row)
/// @param registers packs that the register file holds: accumulators, and operands of one step
/// @param columns_divide true where a tile's columns must divide `columns`
constexpr register_tile choose_tile(int row_limit, int columns, int column_unit, int depth, int registers, bool columns_divide = false) {
  register_tile best{1, column_unit < columns ? column_unit : columns};
  double best_cost = 1e300;
  for (int r = 1; r <= row_limit && r <= 16; ++r) {
    if (row_limit % r != 0) continue;
    for (int c = column_unit; c < columns + column_unit && c <= 32 * column_unit; c += column_unit) {
      const int width = c < columns ? c : columns;
      if (columns_divide && columns % width != 0) continue;
      const int accumulators = r * width * depth;
      const int operands = r < width * depth ? r : width * depth;
      if (accumulators + operands + 1 > registers && !(r == 1 && c == column_unit)) continue;
      const int loads = r + width * depth;
      double step = accumulators > loads ? accumulators : loads;
      if (step < 8) step = 8;
      const int tiles = (row_limit / r) * ((columns + width - 1) / width);
      // Among equal tiles the one with fewer loads wins.
      const double cost = tiles * (step + 0.05 * loads);
      if (cost < best_cost) {
        best_cost = cost;
        best = {r, width};
      }
    }
  }
  return best;
}

}  // namespace typenet::detail
