// SPDX-License-Identifier: MIT
/// @file
/// The parts of the fingerprint program. Each function is defined in its own source file.
#pragma once

namespace fingerprint {

/// The number of errors in the fingerprints. The program exits with a non-zero status unless it is 0.
inline int failures = 0;

/// Print the fingerprints of one source file.
void on_cpu();
void in_double();
void one_sample();
void through_fit();
void through_thrust();

}  // namespace fingerprint
