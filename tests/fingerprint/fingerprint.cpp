// SPDX-License-Identifier: MIT
// Prints one hash per line for the final numbers of small, fixed trainings. Two versions of the library with equal lines compute equal
// bits. compare.sh compares two versions of the library.
// Exits with 1 if one thread and two threads give different numbers, or if a fingerprint is insensitive to differences.
#include <cstdio>
#include <exception>

#include "fingerprint.hpp"

int main() try {
  fingerprint::on_cpu();
  fingerprint::in_double();
  fingerprint::one_sample();
  fingerprint::through_fit();
  fingerprint::through_thrust();
  return fingerprint::failures == 0 ? 0 : 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "fingerprint: %s\n", e.what());
  return 1;
}
