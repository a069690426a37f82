// SPDX-License-Identifier: MIT
/// @file
/// The networks of the fingerprint program. Together they contain every layer, every option and every composition. They are small because
/// compiling them takes longer than training them.
#pragma once

#include <typenet/typenet.hpp>

namespace fingerprint {

namespace tn = typenet;

/// A convolution with stride and zero padding.
using strided = tn::network<tn::input<2, 11, 9>, tn::conv2d<5, 3, tn::stride<2>, tn::padding<1>>, tn::tanh, tn::flatten, tn::linear<4>>;

/// Convolutions with one channel per group and with several, with dilation, with a non-square kernel, and without bias.
using grouped = tn::network<tn::input<4, 8, 7>, tn::conv2d<4, 3, tn::groups<4>, tn::padding<1>>, tn::leaky_relu<0.2>,
                            tn::conv2d<6, tn::kernel<3, 2>, tn::groups<2>, tn::dilation<2, 1>, tn::bias<false>>, tn::sigmoid, tn::flatten,
                            tn::linear<4>>;

/// A convolution with a non-zero padding value and one bias per unit.
using bordered =
    tn::network<tn::input<2, 10, 11>, tn::conv2d<3, 5, tn::stride<2>, tn::padding<2>, tn::padding_value<-1>, tn::bias<tn::per_unit>>,
                tn::gelu, tn::flatten, tn::linear<4>>;

/// Pooling layers with overlapping windows, padded windows, non-square windows, and the mean of a whole channel.
using pools = tn::network<tn::input<3, 11, 9>, tn::conv2d<4, 3>, tn::max_pool2d<3, tn::stride<2>, tn::padding<1>>,
                          tn::avg_pool2d<3, tn::stride<1>, tn::padding<1>>, tn::max_pool2d<tn::kernel<2, 3>, tn::stride<1>>,
                          tn::global_avg_pool2d, tn::flatten, tn::linear<4>>;

/// Two fused chains of convolution, batch norm, ReLU and max pooling, followed by dropout.
using classic = tn::network<tn::input<1, 16, 16>, tn::conv2d<6, 5>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>, tn::conv2d<16, 3>,
                            tn::batch_norm<>, tn::relu, tn::max_pool2d<2>, tn::flatten, tn::dropout<0.2>, tn::linear<4>>;

/// A fused chain of convolution, tanh and average pooling.
using averaged = tn::network<tn::input<1, 12, 12>, tn::conv2d<4, 3>, tn::tanh, tn::avg_pool2d<2>, tn::flatten, tn::linear<4>>;

/// A convolution with group norm instead of batch norm.
using group_normed =
    tn::network<tn::input<1, 12, 12>, tn::conv2d<4, 3>, tn::group_norm<2>, tn::relu, tn::max_pool2d<2>, tn::flatten, tn::linear<4>>;

/// Batch norm before an activation that is not monotonic.
using normalised =
    tn::network<tn::input<1, 12, 12>, tn::conv2d<4, 3>, tn::batch_norm<>, tn::gelu, tn::max_pool2d<2>, tn::flatten, tn::linear<4>>;

/// Residuals, concatenations and names.
using composed =
    tn::network<tn::input<2, 8, 8>, tn::named<"stem", tn::conv2d<4, 3, tn::padding<1>>>, tn::batch_norm<>, tn::relu,
                tn::residual<tn::conv2d<4, 3, tn::padding<1>>, tn::batch_norm<>, tn::leaky_relu<>>,
                tn::concat<tn::conv2d<2, 1>, tn::sequential<tn::max_pool2d<3, tn::stride<1>, tn::padding<1>>, tn::scaled_tanh>>,
                tn::flatten, tn::named<"head", tn::linear<7>>, tn::gaussian_rbf<4>>;

/// Layers on vectors: linear layers of odd sizes, both normalizations, and a softmax between layers.
using vectors = tn::network<tn::input<37>, tn::linear<19, tn::bias<false>>, tn::batch_norm<>, tn::sigmoid,
                            tn::residual<tn::linear<19>, tn::group_norm<1>>, tn::softmax, tn::linear<4>>;

inline constexpr tn::code_table<4, 6> codes{{{1, 0, 1, 1, 0, 1}, {0, 0, 1, 0, 1, 0}, {1, 1, 1, 0, 0, 0}, {0, 1, 0, 1, 1, 1}}};

/// A small LeNet-5 of 1998: a connection table, trainable subsampling and fixed codes. Its layers have second derivatives.
using connected = tn::network<tn::input<1, 10, 10>, tn::conv2d<6, 3>, tn::scaled_tanh, tn::trainable_subsample<2>, tn::scaled_tanh,
                              tn::conv2d<16, 3, tn::connections<tn::lenet5_c3>>, tn::scaled_tanh, tn::flatten, tn::linear<6>,
                              tn::scaled_tanh, tn::euclidean_rbf<codes>>;

}  // namespace fingerprint
