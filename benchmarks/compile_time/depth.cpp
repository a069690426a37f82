// SPDX-License-Identifier: MIT
// Trains a network of TYPENET_DEPTH layers and a classifier. benchmarks/run.sh measures the compile time as a function of the depth.
#include <typenet/typenet.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace {

namespace tn = typenet;

template <std::size_t I>
struct layer_at {
  using type = tn::conv2d<8, 3, tn::padding<1>>;
};
template <std::size_t I>
  requires(I % 2 == 1)
struct layer_at<I> {
  using type = tn::relu;
};

template <std::size_t... I>
auto of_layers(std::index_sequence<I...>) -> tn::network<tn::input<8, 8, 8>, typename layer_at<I>::type..., tn::flatten, tn::linear<10>>;
using deep = decltype(of_layers(std::make_index_sequence<TYPENET_DEPTH>{}));

}  // namespace

float train(std::span<const float> samples, std::span<const int> labels) {
  tn::model<deep> model{tn::seed{1}};
  tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{}, tn::fit_options{.batch_size = 32}};
  return static_cast<float>(trainer.step(samples, labels));
}
