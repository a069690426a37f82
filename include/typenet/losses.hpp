// SPDX-License-Identifier: MIT
/// @file
/// All losses.
#pragma once

// IWYU pragma: begin_exports
#include <typenet/losses/bce_with_logits.hpp>
#include <typenet/losses/cross_entropy.hpp>
#include <typenet/losses/huber.hpp>
#include <typenet/losses/kl_divergence.hpp>
#include <typenet/losses/l1.hpp>
#include <typenet/losses/loss.hpp>
#include <typenet/losses/mse.hpp>
#include <typenet/losses/nll.hpp>
#include <typenet/losses/rbf_map.hpp>
#include <typenet/losses/rbf_mse.hpp>
#include <typenet/losses/smooth_l1.hpp>
#include <typenet/losses/target.hpp>
// IWYU pragma: end_exports
