// SPDX-License-Identifier: MIT
/// @file
/// layer_data: the memory that the kernels of one layer read and write.
#pragma once

#include <cstdint>

#include <typenet/core/config.hpp>
#include <typenet/layer/tensor_spec.hpp>
#include <typenet/simd/lane_view.hpp>

namespace typenet {

/// The memory of one layer during a pass. Views are laid out `[group][channel][row][column][lane]`. Arrays of parameters, gradients and
/// buffers come in the order of the layer's specs, each row-major and aligned to `tensor_alignment` scalars.
template <class Scalar, int Lanes>
struct layer_data {
  lane_view<const Scalar, Lanes> input;
  lane_view<Scalar, Lanes> output;
  lane_view<const Scalar, Lanes> output_gradient;  ///< zero in the lanes past the end of the batch
  lane_view<Scalar, Lanes> input_gradient;
  lane_view<Scalar, Lanes> saved;  ///< `saved_size` scalars per sample, kept from forward to backward
  const Scalar* parameters[max_layer_tensors] = {};
  Scalar* gradients[max_layer_tensors] = {};  ///< of the parameters
  Scalar* buffers[max_layer_tensors] = {};
  Scalar* scratch = nullptr;           ///< `scratch_size` scalars, kept from forward to backward
  std::uint32_t random_substream = 0;  ///< differs between the layers that draw random numbers
};

/// The memory of one layer in the pass for second derivatives (runtime/curvature.hpp). Here `output_gradient` and `input_gradient` hold
/// second derivatives of the loss, and `gradients` those by the parameters.
template <class Scalar, int Lanes>
struct curvature_data : layer_data<Scalar, Lanes> {
  lane_view<const Scalar, Lanes> output_slope;  ///< the first derivatives of the loss by the output
};

}  // namespace typenet
