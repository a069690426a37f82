// SPDX-License-Identifier: MIT
/// @file
/// safetensors, the container in which PyTorch users exchange weights: its format, a reader and a writer. It needs nlohmann-json.
#pragma once

// IWYU pragma: begin_exports
#include <typenet/io/safetensors_format.hpp>
#include <typenet/io/safetensors_reader.hpp>
#include <typenet/io/safetensors_writer.hpp>
// IWYU pragma: end_exports
