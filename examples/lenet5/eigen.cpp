// SPDX-License-Identifier: MIT
// The CPU, by Eigen and OpenMP.
#include "commands.hpp"

int lenet5::run_on_eigen(command what, const settings& s) { return run<tn::cpu>(what, s); }
