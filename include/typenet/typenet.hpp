// SPDX-License-Identifier: MIT
/// @file
/// The whole core: networks as types, models on the CPU, training and evaluation. It needs Eigen alone.
/// Files and data sets on disk are components of their own: <typenet/io.hpp>, <typenet/data.hpp>.
#pragma once

// IWYU pragma: begin_exports
#include <typenet/backends/eigen.hpp>
#include <typenet/build_info.hpp>
#include <typenet/config.hpp>
#include <typenet/data/dataset.hpp>
#include <typenet/declarative.hpp>
#include <typenet/error.hpp>
#include <typenet/evaluate.hpp>
#include <typenet/initializers.hpp>
#include <typenet/losses.hpp>
#include <typenet/metrics.hpp>
#include <typenet/model.hpp>
#include <typenet/optimizers.hpp>
#include <typenet/random.hpp>
#include <typenet/trainer.hpp>
// IWYU pragma: end_exports
