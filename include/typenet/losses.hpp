// SPDX-License-Identifier: MIT
/// @file
/// All losses.
#pragma once

// IWYU pragma: begin_exports
#include <typenet/losses/cross_entropy.hpp>
#include <typenet/losses/loss.hpp>
#include <typenet/losses/mse.hpp>
#include <typenet/losses/rbf_map.hpp>
#include <typenet/losses/rbf_mse.hpp>
#include <typenet/losses/target.hpp>
// IWYU pragma: end_exports
