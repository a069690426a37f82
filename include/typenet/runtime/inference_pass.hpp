// SPDX-License-Identifier: MIT
/// @file
/// The inference pass, which `model::predict` runs on a backend.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/runtime/batch_memory.hpp>
#include <typenet/runtime/executor.hpp>

namespace typenet::detail {

/// A forward pass of the network over one batch, outside training.
/// @tparam Layout a `batch_layout`
template <class Compiled, class Layout>
struct inference_pass {
  batch_memory<typename Layout::scalar> memory;

  TYPENET_ANY_SIDE
  template <class Exec>
  TYPENET_HD void operator()(Exec& exec) const {
    executor<Compiled, Layout>::forward(exec, memory);
  }
};

}  // namespace typenet::detail
