// SPDX-License-Identifier: MIT
/// @file
/// The memory of a batch, and its layout on a backend.
#pragma once

#include <typenet/core/config.hpp>
#include <typenet/simd/execution.hpp>

namespace typenet::detail {

/// The memory of one batch. All arrays are aligned to the pack. An arena holds the values, or the tensors, of the whole network, each at
/// the offset that the compiled network gives it. Arrays that a pass does not use may be null.
template <class Scalar>
struct batch_memory {
  const Scalar* input = nullptr;          ///< `[group][element][lane]`
  Scalar* activations = nullptr;          ///< `[group][value][element][lane]`: the arena of values, then what layers save
  Scalar* gradients = nullptr;            ///< `[group][value][element][lane]`: the gradients of the values
  Scalar* input_gradient = nullptr;       ///< `[group][element][lane]`; null where it is not wanted
  const Scalar* parameters = nullptr;     ///< the arena of parameters
  Scalar* parameter_gradients = nullptr;  ///< laid out as `parameters`
  Scalar* group_sums = nullptr;           ///< `[group][tensor]`: sums of one lane group for some gradients (graph/schedule.hpp)
  Scalar* buffers = nullptr;              ///< the arena of buffers
  Scalar* scratch = nullptr;              ///< scratch memory of every layer, laid out for `capacity` samples
  index capacity = 0;                     ///< samples of the largest batch, a multiple of the lanes

  /// Whether all addresses, and the capacity, are equal.
  friend bool operator==(const batch_memory&, const batch_memory&) = default;
};

/// The layout of a batch.
/// @tparam Scalar the number type
/// @tparam Lanes samples side by side in storage
/// @tparam OneSample true where the execution is a `one_sample_execution`
template <class Scalar, int Lanes, bool OneSample>
struct batch_layout {
  using scalar = Scalar;
  static constexpr int lanes = Lanes;
  static constexpr bool one_sample = OneSample;
};
/// The layout of a backend.
template <class Backend>
using layout_of = batch_layout<typename Backend::scalar, Backend::lanes, one_sample_execution<typename Backend::execution>>;

}  // namespace typenet::detail
