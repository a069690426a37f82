// SPDX-License-Identifier: MIT
/// @file
/// device_launch: how training steps reach a CUDA device.
#pragma once

namespace typenet {

/// The launch of training steps on a CUDA device.
enum class device_launch {
  stream,     ///< one launch for each kernel
  graph,      ///< recorded once as a CUDA graph, then replayed
  persistent  ///< many steps as one cooperative kernel, with a barrier of the grid where a kernel would end
};

}  // namespace typenet
