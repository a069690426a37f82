// SPDX-License-Identifier: MIT
// Trains a small network on a GPU. The network finds the height (one of four) of a bright bar in a noisy 8 x 8 image.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <typenet/thrust.hpp>
#include <typenet/typenet.hpp>
#include <utility>
#include <vector>
namespace tn = typenet;

using bar_net = tn::network<tn::input<1, 8, 8>, tn::conv2d<8, 3, tn::padding<1>>, tn::relu, tn::max_pool2d<2>,  //
                            tn::flatten, tn::linear<32>, tn::relu, tn::linear<4>>;
constexpr tn::shape image{1, 8, 8};  // channels, height, width
using bar_images = tn::tensor_dataset<image, 4>;

bar_images make_bars(int count, std::uint32_t which) {
  tn::random_sequence random{tn::counter_rng{tn::seed{1}, tn::random_stream::user}, 0, which};
  std::vector<float> pixels;
  std::vector<int> labels;
  for (int i = 0; i < count; ++i) {
    labels.push_back(i % 4);
    for (int p = 0; p < 64; ++p) pixels.push_back((p / 16 == i % 4 ? 1.0f : 0.0f) + random.uniform(-1.0f, 1.0f));
  }
  return bar_images{std::move(pixels), std::move(labels)};
}

int main() try {
  tn::model<bar_net, tn::gpu> model{tn::seed{42}};
  tn::fit(model, make_bars(8000, 1), tn::cross_entropy{}, tn::adam{.learning_rate = 3e-3}, {.epochs = 5, .batch_size = 100});
  const tn::report r = tn::evaluate(model, make_bars(2000, 2), tn::cross_entropy{});
  std::printf("%s", to_string(r).c_str());
  return r.accuracy > 0.95 ? 0 : 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "bars: %s\n", e.what());
  return 1;
}
