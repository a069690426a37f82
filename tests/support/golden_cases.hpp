// SPDX-License-Identifier: MIT
// The networks for which tests/golden/layers.json holds PyTorch's values, under the names of the file.
#pragma once

#include <string_view>

#include <typenet/declarative.hpp>

namespace golden_cases {

namespace tn = typenet;
using tn::kernel;

inline constexpr tn::connection_table<6, 16> c3_table{{{1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1},
                                                       {1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1},
                                                       {1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1},
                                                       {0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1, 1},
                                                       {0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 0, 1},
                                                       {0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 1}}};
inline constexpr tn::connection_table<3, 2> small_table{{{1, 0}, {0, 1}, {1, 0}}};
inline constexpr tn::code_table<3, 5> small_codes{{{1, 0, 1, 1, 0}, {0, 0, 1, 0, 1}, {1, 1, 1, 0, 0}}};

// The cases of each layer: `GOLDEN_CASES_<LAYER>(X)` calls X(name, network...) for each case.

#define GOLDEN_CASES_CONV2D(X)                                                                                                   \
  X("conv2d", tn::input<2, 6, 5>, tn::conv2d<3, 3>)                                                                              \
  X("conv2d_5x5", tn::input<1, 8, 7>, tn::conv2d<6, 5>)                                                                          \
  X("conv2d_1x1", tn::input<3, 3, 4>, tn::conv2d<5, 1>)                                                                          \
  X("conv2d_batch_17", tn::input<2, 4, 4>, tn::conv2d<3, 3>)                                                                     \
  X("conv2d_rectangular", tn::input<2, 5, 6>, tn::conv2d<4, kernel<3, 2>>)                                                       \
  X("conv2d_no_bias", tn::input<2, 5, 5>, tn::conv2d<3, 3, tn::bias<false>>)                                                     \
  X("conv2d_padding", tn::input<2, 5, 4>, tn::conv2d<3, 3, tn::padding<1>>)                                                      \
  X("conv2d_padding_rectangular", tn::input<2, 4, 5>, tn::conv2d<3, kernel<3, 5>, tn::padding<1, 2>>)                            \
  X("conv2d_stride", tn::input<2, 7, 9>, tn::conv2d<3, 3, tn::stride<2>>)                                                        \
  X("conv2d_stride_rectangular", tn::input<2, 7, 5>, tn::conv2d<3, 3, tn::stride<2, 1>>)                                         \
  X("conv2d_stride_3_remainder", tn::input<2, 8, 10>, tn::conv2d<3, 3, tn::stride<3>>)                                           \
  X("conv2d_stride_beyond_kernel", tn::input<2, 7, 6>, tn::conv2d<2, 2, tn::stride<3>>)                                          \
  X("conv2d_dilation", tn::input<2, 7, 6>, tn::conv2d<3, 3, tn::dilation<2>>)                                                    \
  X("conv2d_dilation_rectangular", tn::input<2, 5, 7>, tn::conv2d<2, 3, tn::dilation<1, 2>>)                                     \
  X("conv2d_stride_dilation_padding", tn::input<2, 7, 8>, tn::conv2d<3, 3, tn::stride<2>, tn::dilation<2>, tn::padding<2>>)      \
  X("conv2d_rectangular_padding_stride", tn::input<2, 7, 9>, tn::conv2d<4, kernel<3, 2>, tn::padding<1>, tn::stride<2>>)         \
  X("conv2d_groups", tn::input<4, 5, 4>, tn::conv2d<6, 3, tn::groups<2>>)                                                        \
  X("conv2d_depthwise", tn::input<4, 4, 5>, tn::conv2d<4, 3, tn::groups<4>, tn::padding<1>>)                                     \
  X("conv2d_depthwise_multiplier", tn::input<3, 5, 6>, tn::conv2d<6, 3, tn::groups<3>, tn::stride<2>>)                           \
  X("conv2d_connections_c3", tn::input<6, 4, 5>, tn::conv2d<16, 3, tn::connections<c3_table>>)                                   \
  X("conv2d_connections_padding", tn::input<3, 4, 3>, tn::conv2d<2, kernel<2, 3>, tn::connections<small_table>, tn::padding<1>>) \
  X("conv2d_padding_value", tn::input<2, 4, 6>, tn::conv2d<3, kernel<3, 5>, tn::padding<1, 2>, tn::padding_value<-0.75>>)        \
  X("conv2d_bias_per_unit", tn::input<2, 5, 4>, tn::conv2d<3, 3, tn::padding<1>, tn::bias<tn::per_unit>>)                        \
  X("conv2d_1989", tn::input<3, 8, 7>,                                                                                           \
    tn::conv2d<2, 5, tn::stride<2>, tn::padding<2>, tn::padding_value<-1>, tn::bias<tn::per_unit>, tn::connections<small_table>>)

#define GOLDEN_CASES_LINEAR(X)                                      \
  X("linear", tn::input<7>, tn::linear<4>)                          \
  X("linear_no_bias", tn::input<6>, tn::linear<5, tn::bias<false>>) \
  X("linear_batch_17", tn::input<5>, tn::linear<3>)                 \
  X("linear_wide", tn::input<33>, tn::linear<19>)

#define GOLDEN_CASES_MAX_POOL2D(X)                                                               \
  X("max_pool2d", tn::input<2, 4, 6>, tn::max_pool2d<2>)                                         \
  X("max_pool2d_remainder", tn::input<2, 5, 7>, tn::max_pool2d<2>)                               \
  X("max_pool2d_padding", tn::input<2, 6, 7>, tn::max_pool2d<3, tn::stride<2>, tn::padding<1>>)  \
  X("max_pool2d_overlapping", tn::input<2, 5, 6>, tn::max_pool2d<3, tn::stride<1>>)              \
  X("max_pool2d_rectangular", tn::input<2, 6, 7>, tn::max_pool2d<kernel<2, 3>>)                  \
  X("max_pool2d_negative", tn::input<2, 5, 5>, tn::max_pool2d<3, tn::stride<2>, tn::padding<1>>) \
  X("max_pool2d_ties", tn::input<2, 5, 5>, tn::max_pool2d<3, tn::stride<2>>)

#define GOLDEN_CASES_AVG_POOL2D(X)                                                              \
  X("avg_pool2d", tn::input<2, 4, 6>, tn::avg_pool2d<2>)                                        \
  X("avg_pool2d_remainder", tn::input<2, 5, 7>, tn::avg_pool2d<2>)                              \
  X("avg_pool2d_padding", tn::input<2, 6, 7>, tn::avg_pool2d<3, tn::stride<2>, tn::padding<1>>) \
  X("avg_pool2d_overlapping", tn::input<2, 5, 6>, tn::avg_pool2d<3, tn::stride<1>>)             \
  X("avg_pool2d_rectangular", tn::input<2, 6, 7>, tn::avg_pool2d<kernel<2, 3>>)                 \
  X("global_avg_pool2d", tn::input<3, 4, 5>, tn::global_avg_pool2d)

#define GOLDEN_CASES_BATCH_NORM(X)                                      \
  X("batch_norm_images", tn::input<3, 4, 3>, tn::batch_norm<>)          \
  X("batch_norm_images_batch_17", tn::input<2, 2, 3>, tn::batch_norm<>) \
  X("batch_norm_vectors", tn::input<4>, tn::batch_norm<>)

#define GOLDEN_CASES_GROUP_NORM(X)                                     \
  X("group_norm", tn::input<6, 3, 4>, tn::group_norm<2>)               \
  X("group_norm_one_group", tn::input<4, 3, 2>, tn::group_norm<1>)     \
  X("group_norm_every_channel", tn::input<4, 3, 3>, tn::group_norm<4>) \
  X("group_norm_vectors", tn::input<6>, tn::group_norm<2>)

#define GOLDEN_CASES_FLATTEN(X) X("flatten", tn::input<2, 3, 2>, tn::flatten)

#define GOLDEN_CASES_LEAKY_RELU(X)                             \
  X("leaky_relu", tn::input<2, 3, 4>, tn::leaky_relu<>)        \
  X("leaky_relu_0.2", tn::input<2, 3, 4>, tn::leaky_relu<0.2>) \
  X("leaky_relu_vectors", tn::input<5>, tn::leaky_relu<>)      \
  X("leaky_relu_0.2_vectors", tn::input<5>, tn::leaky_relu<0.2>)

#define GOLDEN_CASES_RELU(X)              \
  X("relu", tn::input<2, 3, 4>, tn::relu) \
  X("relu_vectors", tn::input<5>, tn::relu)

#define GOLDEN_CASES_GELU(X)              \
  X("gelu", tn::input<2, 3, 4>, tn::gelu) \
  X("gelu_vectors", tn::input<5>, tn::gelu)

#define GOLDEN_CASES_SCALED_TANH(X)                     \
  X("scaled_tanh", tn::input<2, 3, 4>, tn::scaled_tanh) \
  X("scaled_tanh_vectors", tn::input<5>, tn::scaled_tanh)

#define GOLDEN_CASES_TANH(X)              \
  X("tanh", tn::input<2, 3, 4>, tn::tanh) \
  X("tanh_vectors", tn::input<5>, tn::tanh)

#define GOLDEN_CASES_SIGMOID(X)                 \
  X("sigmoid", tn::input<2, 3, 4>, tn::sigmoid) \
  X("sigmoid_vectors", tn::input<5>, tn::sigmoid)

#define GOLDEN_CASES_SOFTMAX(X)                   \
  X("softmax", tn::input<2, 3, 4>, tn::softmax)   \
  X("softmax_vectors", tn::input<5>, tn::softmax) \
  X("softmax_large", tn::input<4>, tn::softmax)

#define GOLDEN_CASES_GAUSSIAN_RBF(X)                   \
  X("gaussian_rbf", tn::input<4>, tn::gaussian_rbf<3>) \
  X("gaussian_rbf_batch_17", tn::input<6>, tn::gaussian_rbf<10>)

#define GOLDEN_CASES_TRAINABLE_SUBSAMPLE(X)                                                                       \
  X("trainable_subsample", tn::input<3, 4, 6>, tn::trainable_subsample<2>)                                        \
  X("trainable_subsample_batch_17", tn::input<2, 4, 4>, tn::trainable_subsample<2>)                               \
  X("trainable_subsample_remainder", tn::input<2, 5, 7>, tn::trainable_subsample<2>)                              \
  X("trainable_subsample_padding", tn::input<2, 6, 7>, tn::trainable_subsample<3, tn::stride<2>, tn::padding<1>>) \
  X("trainable_subsample_overlapping", tn::input<2, 5, 6>, tn::trainable_subsample<3, tn::stride<1>>)             \
  X("trainable_subsample_rectangular", tn::input<2, 6, 7>, tn::trainable_subsample<kernel<2, 3>>)

#define GOLDEN_CASES_EUCLIDEAN_RBF(X)                              \
  X("euclidean_rbf", tn::input<5>, tn::euclidean_rbf<small_codes>) \
  X("euclidean_rbf_lenet5", tn::input<84>, tn::euclidean_rbf<tn::lenet5_codes>)

#define GOLDEN_CASES_COMPOSITIONS(X)                                                                                                  \
  X("sequential", tn::input<5>, tn::sequential<tn::linear<4>, tn::sequential<tn::tanh, tn::linear<3>>>, tn::sigmoid)                  \
  X("residual", tn::input<4, 4, 5>,                                                                                                   \
    tn::residual<tn::conv2d<4, 3, tn::padding<1>>, tn::batch_norm<>, tn::relu, tn::conv2d<4, 3, tn::padding<1>>>)                     \
  X("residual_vectors", tn::input<3>, tn::linear<4>, tn::residual<tn::tanh, tn::linear<4>>, tn::residual<tn::linear<4>>)              \
  X("concat_two", tn::input<3, 4, 5>, tn::concat<tn::conv2d<2, 3, tn::padding<1>>, tn::max_pool2d<3, tn::stride<1>, tn::padding<1>>>) \
  X("concat_three", tn::input<2, 4, 4>,                                                                                               \
    tn::concat<tn::conv2d<2, 1>, tn::sequential<tn::conv2d<3, 1>, tn::batch_norm<>, tn::relu, tn::conv2d<2, 3, tn::padding<1>>>,      \
               tn::sequential<tn::avg_pool2d<3, tn::stride<1>, tn::padding<1>>, tn::conv2d<1, 1>>>)                                   \
  X("concat_vectors", tn::input<5>, tn::concat<tn::linear<2>, tn::sequential<tn::linear<4>, tn::relu>>, tn::linear<3>)                \
  X("nested", tn::input<2, 3, 4>,                                                                                                     \
    tn::residual<tn::concat<tn::conv2d<1, 1>, tn::residual<tn::conv2d<2, 3, tn::padding<1>>>>, tn::conv2d<2, 1>>, tn::tanh)           \
  X("named", tn::input<1, 3, 4>, tn::named<"conv1", tn::conv2d<2, 2>>, tn::relu, tn::flatten,                                         \
    tn::named<"head", tn::sequential<tn::linear<4>, tn::linear<3>>>)                                                                  \
  X("small_network", tn::input<2, 8, 7>, tn::conv2d<3, 3>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>, tn::flatten, tn::linear<6>, \
    tn::relu, tn::linear<4>)

// The cases of all layers except conv2d, which is tested apart because its cases take long to compile.
#define GOLDEN_CASES_OTHER_LAYERS(X)  \
  GOLDEN_CASES_LINEAR(X)              \
  GOLDEN_CASES_MAX_POOL2D(X)          \
  GOLDEN_CASES_AVG_POOL2D(X)          \
  GOLDEN_CASES_BATCH_NORM(X)          \
  GOLDEN_CASES_GROUP_NORM(X)          \
  GOLDEN_CASES_FLATTEN(X)             \
  GOLDEN_CASES_LEAKY_RELU(X)          \
  GOLDEN_CASES_RELU(X)                \
  GOLDEN_CASES_GELU(X)                \
  GOLDEN_CASES_SCALED_TANH(X)         \
  GOLDEN_CASES_TANH(X)                \
  GOLDEN_CASES_SIGMOID(X)             \
  GOLDEN_CASES_SOFTMAX(X)             \
  GOLDEN_CASES_GAUSSIAN_RBF(X)        \
  GOLDEN_CASES_TRAINABLE_SUBSAMPLE(X) \
  GOLDEN_CASES_EUCLIDEAN_RBF(X)

}  // namespace golden_cases
