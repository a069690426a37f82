// SPDX-License-Identifier: MIT
/// @file
/// What the machine could do at best: the yardstick of every other figure.
#pragma once

namespace benchmarks {

/// Fused multiply-adds of floats in registers and nothing else, on `threads` threads at once for about `seconds`.
/// An instruction set without them is measured by a multiplication and an addition.
/// @returns GFLOP/s of all threads together, a multiply-add counting two
double fma_peak(int threads, double seconds = 0.2);

}  // namespace benchmarks
