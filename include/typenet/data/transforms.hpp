// SPDX-License-Identifier: MIT
/// @file
/// Image transforms.
#pragma once

#include <typenet/data/transforms/transformed.hpp>  // IWYU pragma: export
