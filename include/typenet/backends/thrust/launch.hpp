// SPDX-License-Identifier: MIT
/// @file
/// How steps reach a device.
#pragma once

namespace typenet {

/// How a training step reaches a CUDA device.
enum class device_launch {
  stream,     ///< kernel by kernel
  graph,      ///< recorded once as a CUDA graph, and replayed
  persistent  ///< many steps as one cooperative kernel, whose threads meet between what would be kernels
};

}  // namespace typenet
