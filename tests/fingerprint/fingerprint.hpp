// SPDX-License-Identifier: MIT
/// @file
/// The parts of the fingerprint program, one for each source file.
#pragma once

namespace fingerprint {

/// Counts what is wrong with a fingerprint itself; the program's exit status is non-zero unless it is 0.
inline int failures = 0;

/// Print the fingerprints of one source file.
void on_cpu();
void in_double();
void one_sample();
void through_fit();
void through_thrust();

}  // namespace fingerprint
