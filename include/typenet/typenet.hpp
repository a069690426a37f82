// SPDX-License-Identifier: MIT
/// @file
/// The core of the library: networks as types, models on the CPU, training and evaluation. It needs Eigen alone. Files and data sets on
/// disk are components of their own: <typenet/io.hpp>, <typenet/data.hpp>.
#pragma once

// IWYU pragma: begin_exports
#include <typenet/backends/build_info.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/core/random.hpp>
#include <typenet/data/dataset.hpp>
#include <typenet/data/image_dataset.hpp>
#include <typenet/data/split.hpp>
#include <typenet/data/tensor_dataset.hpp>
#include <typenet/inference.hpp>
#include <typenet/layer/initializers.hpp>
#include <typenet/losses.hpp>
#include <typenet/optimizers.hpp>
#include <typenet/train/evaluate.hpp>
#include <typenet/train/fit.hpp>
#include <typenet/train/metrics.hpp>
#include <typenet/train/trainer.hpp>
// IWYU pragma: end_exports
