// SPDX-License-Identifier: MIT
// A CUDA device.
#include <typenet/thrust.hpp>

#include "commands.hpp"

int lenet5::run_on_cuda(command what, const settings& s) { return run_everywhere<tn::gpu>(what, s); }
