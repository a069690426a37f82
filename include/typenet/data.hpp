// SPDX-License-Identifier: MIT
/// @file
/// The data component: data sets and their splits, the IDX format, MNIST and Fashion-MNIST, image transforms. It needs zlib (CMake target
/// typenet::data).
#pragma once

// IWYU pragma: begin_exports
#include <typenet/data/dataset.hpp>
#include <typenet/data/idx.hpp>
#include <typenet/data/image_dataset.hpp>
#include <typenet/data/mnist.hpp>
#include <typenet/data/split.hpp>
#include <typenet/data/subset.hpp>
#include <typenet/data/tensor_dataset.hpp>
#include <typenet/data/transforms.hpp>
// IWYU pragma: end_exports
