// SPDX-License-Identifier: MIT
/// @file
/// All optimizers.
#pragma once

// IWYU pragma: begin_exports
#include <typenet/optimizers/adagrad.hpp>
#include <typenet/optimizers/adam.hpp>
#include <typenet/optimizers/lion.hpp>
#include <typenet/optimizers/nadam.hpp>
#include <typenet/optimizers/optimizer.hpp>
#include <typenet/optimizers/rmsprop.hpp>
#include <typenet/optimizers/sgd.hpp>
#include <typenet/optimizers/stochastic_diagonal_lm.hpp>
// IWYU pragma: end_exports
