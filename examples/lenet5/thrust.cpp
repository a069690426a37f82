// SPDX-License-Identifier: MIT
// Thrust on the host: the second backend where there is no GPU.
#include <typenet/thrust.hpp>

#include "commands.hpp"

int lenet5::run_on_thrust(command what, const settings& s) { return run_everywhere<tn::gpu>(what, s); }
