// SPDX-License-Identifier: MIT
/// @file
/// How a kernel's inner loop is cut into register tiles.
#pragma once

#include <typenet/core/config.hpp>

namespace typenet::detail {

/// A tile of `rows` x `columns` accumulators that stay in registers.
struct register_tile {
  int rows = 1;
  int columns = 1;
};

/// The tile that costs least for `rows` x `columns` results: each step of a tile loads one operand per row and
/// `loads_per_column` per column, two a cycle like the multiply-adds, and eight multiply-adds are in flight at best.
/// @param row_limit tiles' rows divide this (a group's channels)
/// @param column_unit tiles' columns are a multiple of this
/// @param depth accumulators for each row and column (the taps of a window's row)
/// @param registers packs that the register file holds
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
      // Ties go to fewer loads.
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
