// SPDX-License-Identifier: MIT
/// @file
/// The networks that are measured, and data for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <typenet/typenet.hpp>

namespace benchmarks {

using lenet5 = typenet::network<typenet::input<1, 32, 32>,                                                             //
                                typenet::conv2d<6, 5>, typenet::batch_norm<>, typenet::relu, typenet::max_pool2d<2>,   //
                                typenet::conv2d<16, 5>, typenet::batch_norm<>, typenet::relu, typenet::max_pool2d<2>,  //
                                typenet::flatten, typenet::dropout<0.1>,                                               //
                                typenet::linear<120>, typenet::relu, typenet::linear<84>, typenet::relu, typenet::gaussian_rbf<10>>;

/// LeNet-5 with a linear output layer, as a classifier.
using classifier =
    typenet::network<typenet::input<1, 32, 32>,                                                             //
                     typenet::conv2d<6, 5>, typenet::batch_norm<>, typenet::relu, typenet::max_pool2d<2>,   //
                     typenet::conv2d<16, 5>, typenet::batch_norm<>, typenet::relu, typenet::max_pool2d<2>,  //
                     typenet::flatten, typenet::linear<120>, typenet::relu, typenet::linear<84>, typenet::relu, typenet::linear<10>>;

/// LeNet-5 with scaled tanh, average pooling and no normalization, for training steps on one sample.
using classic =
    typenet::network<typenet::input<1, 32, 32>, typenet::conv2d<6, 5>, typenet::scaled_tanh, typenet::avg_pool2d<2>, typenet::scaled_tanh,
                     typenet::conv2d<16, 5>, typenet::scaled_tanh, typenet::avg_pool2d<2>, typenet::scaled_tanh, typenet::conv2d<120, 5>,
                     typenet::scaled_tanh, typenet::flatten, typenet::linear<84>, typenet::scaled_tanh, typenet::linear<10>>;

/// A network of ten layers with parameters on color images, with residual and parallel branches.
using branched =
    typenet::network<typenet::input<3, 32, 32>, typenet::conv2d<16, 3, typenet::padding<1>>, typenet::batch_norm<>, typenet::relu,
                     typenet::residual<typenet::conv2d<16, 3, typenet::padding<1>>, typenet::batch_norm<>, typenet::relu,
                                       typenet::conv2d<16, 3, typenet::padding<1>>, typenet::batch_norm<>>,
                     typenet::relu, typenet::max_pool2d<2>,
                     typenet::concat<typenet::conv2d<16, 1>, typenet::conv2d<16, 3, typenet::padding<1>>>, typenet::relu,
                     typenet::max_pool2d<2>, typenet::conv2d<32, 3, typenet::padding<1>>, typenet::relu, typenet::max_pool2d<2>,
                     typenet::flatten, typenet::linear<10>>;

/// A convolution of the network of 1989 (LeCun et al.), for training steps on one sample.
template <class... Options>
using window1989 = typenet::conv2d<12, 5, typenet::stride<2>, typenet::padding<2>, typenet::padding_value<-1>,
                                   typenet::bias<typenet::per_unit>, Options...>;
using network1989 =
    typenet::network<typenet::input<1, 16, 16>, window1989<>, typenet::tanh, window1989<typenet::connections<typenet::lenet1989_h2>>,
                     typenet::tanh, typenet::flatten, typenet::linear<30>, typenet::tanh, typenet::linear<10>, typenet::tanh>;

/// FLOP of inference per sample. A multiply-add counts as two. Batch norm, the loss and the optimizer are not counted.
inline constexpr double inference_flop = 2.0 * static_cast<double>(lenet5::macs);
/// FLOP of training per sample: forward, input gradients, parameter gradients. The first layer needs no input gradient.
inline constexpr double training_flop = 3 * inference_flop - 2.0 * static_cast<double>(typenet::conv2d<6, 5>::macs(lenet5::input_shape));
static_assert(training_flop == 2'263'920);

inline constexpr double classifier_flop =
    6.0 * static_cast<double>(classifier::macs) - 2.0 * static_cast<double>(typenet::conv2d<6, 5>::macs(classifier::input_shape));

inline constexpr double branched_flop = 6.0 * static_cast<double>(branched::macs) -
                                        2.0 * static_cast<double>(typenet::conv2d<16, 3, typenet::padding<1>>::macs(branched::input_shape));

inline constexpr double classic_flop =
    6.0 * static_cast<double>(classic::macs) - 2.0 * static_cast<double>(typenet::conv2d<6, 5>::macs(classic::input_shape));

inline constexpr double flop_1989 =
    6.0 * static_cast<double>(network1989::macs) - 2.0 * static_cast<double>(window1989<>::macs(network1989::input_shape));

inline std::vector<float> random_numbers(std::size_t count, std::uint32_t which) {
  typenet::random_sequence random{typenet::counter_rng{typenet::seed{1}, typenet::random_stream::shuffle}, 0, which};
  std::vector<float> numbers(count);
  for (float& x : numbers) x = random.uniform(-1.0f, 1.0f);
  return numbers;
}

}  // namespace benchmarks
