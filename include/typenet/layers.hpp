// SPDX-License-Identifier: MIT
/// @file
/// All layers and compositions.
#pragma once

// IWYU pragma: begin_exports
#include <typenet/layer/compositions.hpp>
#include <typenet/layer/elementwise.hpp>
#include <typenet/layer/input.hpp>
#include <typenet/layers/avg_pool2d.hpp>
#include <typenet/layers/batch_norm.hpp>
#include <typenet/layers/conv2d.hpp>
#include <typenet/layers/dropout.hpp>
#include <typenet/layers/euclidean_rbf.hpp>
#include <typenet/layers/flatten.hpp>
#include <typenet/layers/gaussian_rbf.hpp>
#include <typenet/layers/gelu.hpp>
#include <typenet/layers/group_norm.hpp>
#include <typenet/layers/leaky_relu.hpp>
#include <typenet/layers/linear.hpp>
#include <typenet/layers/max_pool2d.hpp>
#include <typenet/layers/relu.hpp>
#include <typenet/layers/scaled_tanh.hpp>
#include <typenet/layers/sigmoid.hpp>
#include <typenet/layers/softmax.hpp>
#include <typenet/layers/tanh.hpp>
#include <typenet/layers/trainable_subsample.hpp>
// IWYU pragma: end_exports
