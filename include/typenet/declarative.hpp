// SPDX-License-Identifier: MIT
/// @file
/// Networks as types, without anything that runs them: shapes, counts and checks, at a fraction of a second to compile.
#pragma once

// IWYU pragma: begin_exports
#include <typenet/layers.hpp>
#include <typenet/models/lenet1989.hpp>
#include <typenet/models/lenet5.hpp>
#include <typenet/network.hpp>
#include <typenet/summary.hpp>
// IWYU pragma: end_exports
