// SPDX-License-Identifier: MIT
/// @file
/// Networks as types: shapes, counts, checks and summaries. It includes nothing that runs a network, and compiles in a fraction of a
/// second.
#pragma once

// IWYU pragma: begin_exports
#include <typenet/layers.hpp>
#include <typenet/models/lenet1989.hpp>
#include <typenet/models/lenet5.hpp>
#include <typenet/network.hpp>
#include <typenet/summary.hpp>
// IWYU pragma: end_exports
