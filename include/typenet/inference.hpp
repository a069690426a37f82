// SPDX-License-Identifier: MIT
/// @file
/// Umbrella: models that predict on the CPU, without training. `model<Network>` is `model<Network, cpu>`.
#pragma once

// IWYU pragma: begin_exports
#include <typenet/backends/eigen/backend.hpp>
#include <typenet/declarative.hpp>
#include <typenet/model.hpp>
// IWYU pragma: end_exports

namespace typenet {

template <network_type Network, class Backend = cpu>
class model;

}  // namespace typenet
