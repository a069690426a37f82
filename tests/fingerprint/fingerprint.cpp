// SPDX-License-Identifier: MIT
// Prints a hash of every number that small, fixed trainings end with, a line each. Two builds of the library that print the same lines
// compute the same bits. compare.sh holds two versions of the library against each other.
// Exits with 1 where one thread and two end differently, or where a fingerprint could not tell a difference.
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
