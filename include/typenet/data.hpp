// SPDX-License-Identifier: MIT
/// @file
/// The data component: data sets, the IDX format, MNIST and Fashion-MNIST, transforms. Needs zlib (CMake: typenet::data).
#pragma once

#include <typenet/data/dataset.hpp>     // IWYU pragma: export
#include <typenet/data/idx.hpp>         // IWYU pragma: export
#include <typenet/data/mnist.hpp>       // IWYU pragma: export
#include <typenet/data/split.hpp>       // IWYU pragma: export
#include <typenet/data/transforms.hpp>  // IWYU pragma: export
