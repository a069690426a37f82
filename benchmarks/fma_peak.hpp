// SPDX-License-Identifier: MIT
/// @file
/// Measures the peak arithmetic speed of the machine, to which all other figures are compared.
#pragma once

namespace benchmarks {

/// Measures fused multiply-adds of floats in registers on `threads` threads at once, for about `seconds` seconds.
/// An instruction set without fused multiply-adds is measured by a multiplication and an addition.
/// @returns GFLOP/s of all threads together; a multiply-add counts as two
double fma_peak(int threads, double seconds = 0.2);

}  // namespace benchmarks
