// SPDX-License-Identifier: MIT
// A CUDA device.
#include <typenet/thrust.hpp>

#include "commands.hpp"

int lenet5::run_on_cuda(command what, const settings& s) { return run<tn::gpu>(what, s); }
