// SPDX-License-Identifier: MIT
/// @file
/// The component typenet::io: weights and checkpoints in safetensors files. It needs nlohmann-json.
#pragma once

// IWYU pragma: begin_exports
#include <typenet/io/atomic_file.hpp>
#include <typenet/io/checkpoint.hpp>
#include <typenet/io/safetensors.hpp>
#include <typenet/io/weights.hpp>
// IWYU pragma: end_exports
