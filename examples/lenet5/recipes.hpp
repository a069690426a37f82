// SPDX-License-Identifier: MIT
// What can be trained by name. A recipe is a network type, how it starts, the data it sees, a loss, an optimizer and a schedule; to add
// one, write it here and list it in recipes.txt.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <typenet/data.hpp>
#include <typenet/typenet.hpp>

#include "registry.hpp"

namespace lenet5 {

namespace tn = typenet;

/// What the recipes below share. Each may put a member of its own in place of one here.
struct recipe {
  static constexpr int epochs = 30;
  static constexpr int batch_size = 32;
  static constexpr double learning_rate = 3e-4;
  /// Whether every epoch has an order of its own.
  static constexpr bool shuffle = true;
  /// Whether `lenet5 reproduce` runs it: with how many seeds, beside which result, and in the quick form for how many epochs.
  static constexpr bool reproduced = false;
  static constexpr int seeds = 3;
  static constexpr std::optional<published_result> published = std::nullopt;
  static constexpr int quick_epochs = 6;
  /// Where it runs with `--backend eigen`.
  using cpu = tn::cpu;
  /// Changes how a model starts.
  template <class Model>
  static void initialize(Model&) {}
  /// Changes that once more for the quick form of `lenet5 reproduce`, where what the recipe waits for would take too long.
  template <class Model>
  static void hasten(Model&) {}
  /// The learning rate of each epoch from the first one's, if it changes.
  static std::function<double(int)> schedule(double /*rate*/) { return nullptr; }
  static tn::mse loss() { return {}; }
  /// Adam with its weight decay inside the gradient, which is what moves a Gaussian output at first.
  static tn::adam optimizer(double rate) { return {.learning_rate = rate, .weight_decay = 1e-4}; }
  /// Which images of a split it uses, in which order; without a choice all of them, in the split's.
  static std::vector<tn::index> choice(tn::mnist_split, tn::index /*size*/, tn::seed) { return {}; }
  /// Images of 28x28 grown to 32x32, turned by up to 15 degrees, with brightness and contrast off by up to a fifth.
  static auto training_data(const tn::mnist_dataset& images) {
    return tn::transformed(images, tn::resize<32, 32>{}, tn::random_rotation{15.0f}, tn::color_jitter{.brightness = 0.2f, .contrast = 0.2f},
                           tn::normalize{0.1307f, 0.3081f});
  }
  /// The same images as they are.
  static auto testing_data(const tn::mnist_dataset& images) {
    return tn::transformed(images, tn::resize<32, 32>{}, tn::normalize{0.1307f, 0.3081f});
  }
};

/// As many of `size` images, drawn by the seed.
inline std::vector<tn::index> draw(tn::index count, tn::index size, tn::seed seed, tn::mnist_split split) {
  std::vector<tn::index> images(static_cast<std::size_t>(size));
  std::iota(images.begin(), images.end(), tn::index{0});
  tn::random_sequence random{tn::counter_rng{seed, tn::random_stream::user}, 0, split == tn::mnist_split::train ? 0U : 1U};
  count = std::min(count, size);
  tn::partial_shuffle(images, static_cast<std::size_t>(count), random);
  images.resize(static_cast<std::size_t>(count));
  return images;
}

/// Batch norm, ReLU, max pooling, a little dropout; Gaussian outputs and squared error.
struct modern : recipe {
  static constexpr std::string_view name = "modern";
  static constexpr std::string_view about = "batch norm, ReLU, max pooling, dropout 0.1";
  using network = tn::network<tn::input<1, 32, 32>,                                              //
                              tn::conv2d<6, 5>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>,   //
                              tn::conv2d<16, 5>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>,  //
                              tn::flatten, tn::dropout<0.1>,                                     //
                              tn::linear<120>, tn::relu, tn::linear<84>, tn::relu, tn::gaussian_rbf<10>>;
};

/// The same up to its output, which is scores: a classifier as most are built today. It learns from the first step on.
struct softmax : modern {
  static constexpr std::string_view name = "softmax";
  static constexpr std::string_view about = "modern, with scores and cross-entropy";
  static tn::cross_entropy loss() { return {}; }
  using network = tn::network<tn::input<1, 32, 32>,                                              //
                              tn::conv2d<6, 5>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>,   //
                              tn::conv2d<16, 5>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>,  //
                              tn::flatten, tn::dropout<0.1>,                                     //
                              tn::linear<120>, tn::relu, tn::linear<84>, tn::relu, tn::linear<10>>;
};

/// Tanh and average pooling, else as `modern`.
struct classic : recipe {
  static constexpr std::string_view name = "classic";
  static constexpr std::string_view about = "tanh, average pooling";
  using network = tn::network<tn::input<1, 32, 32>,                            //
                              tn::conv2d<6, 5>, tn::tanh, tn::avg_pool2d<2>,   //
                              tn::conv2d<16, 5>, tn::tanh, tn::avg_pool2d<2>,  //
                              tn::flatten,                                     //
                              tn::linear<120>, tn::tanh, tn::linear<84>, tn::tanh, tn::gaussian_rbf<10>>;
};

// The network of 1989 (LeCun et al., "Backpropagation applied to handwritten zip code recognition") and its modernisation step by step, as
// A. Karpathy had them in 2022: MNIST's digits made as small and as few as those of 1989 were.

/// One digit a step, in one order for the whole training.
struct lecun1989 : recipe {
  static constexpr std::string_view name = "lecun1989";
  static constexpr std::string_view about = "the network of 1989: tanh, squared error, SGD";
  static constexpr int epochs = 23;
  static constexpr int batch_size = 1;
  static constexpr double learning_rate = 0.03;
  static constexpr bool shuffle = false;
  static constexpr bool reproduced = true;
  static constexpr std::optional<published_result> published{{82, 2'007, "Karpathy 2022, one subset; of other digits in 1989: 102"}};
  using cpu = tn::cpu_single;
  /// 5x5 windows two apart; -1, the background, beyond the border.
  template <class... Options>
  using window = tn::conv2d<12, 5, tn::stride<2>, tn::padding<2>, tn::padding_value<-1>, tn::bias<tn::per_unit>, Options...>;
  template <class Squash, class... Top>
  using network_of = tn::network<tn::input<1, 16, 16>,                                                 //
                                 window<>, Squash, window<tn::connections<tn::lenet1989_h2>>, Squash,  //
                                 Top...>;
  using network = network_of<tn::tanh, tn::flatten, tn::linear<30>, tn::tanh, tn::linear<10>, tn::tanh>;
  static_assert(network::parameter_count == 9'760);
  static_assert(network::macs == 63'660);

  /// Weights U(±2.4/√F), F being a unit's inputs, no biases; at the outputs -1, what most of them are to say.
  template <class Model>
  static void initialize(Model& model) {
    model.initialize(tn::init::lecun_1989_scheme());
    const std::string_view last = Model::network::parameters.back().name;
    model.initialize({.weight = tn::init::lecun_1989_scheme().weight, .bias = tn::init::constant(-1)}, last.substr(0, last.rfind('.')));
  }
  static tn::mse loss() { return {.on = 1, .off = -1}; }
  static tn::sgd optimizer(double rate) { return {.learning_rate = rate}; }
  static std::vector<tn::index> choice(tn::mnist_split split, tn::index size, tn::seed seed) {
    return draw(split == tn::mnist_split::train ? 7'291 : 2'007, size, seed, split);
  }
  /// 16x16, from -1 to 1.
  static auto testing_data(const tn::mnist_dataset& images) {
    return tn::transformed(images, tn::resize<16, 16, tn::antialias<false>>{}, tn::normalize{0.5f, 0.5f});
  }
  static auto training_data(const tn::mnist_dataset& images) { return testing_data(images); }
};
struct lecun1989_softmax : lecun1989 {
  static constexpr std::string_view name = "lecun1989-softmax";
  static constexpr std::string_view about = "and scores with cross-entropy";
  static constexpr double learning_rate = 0.01;
  static constexpr std::optional<published_result> published{{87, 2'007, "Karpathy 2022, one subset"}};
  using network = network_of<tn::tanh, tn::flatten, tn::linear<30>, tn::tanh, tn::linear<10>>;
  template <class Model>
  static void initialize(Model& model) {
    model.initialize(tn::init::lecun_1989_scheme());
  }
  static tn::cross_entropy loss() { return {}; }
};
struct lecun1989_adamw : lecun1989_softmax {
  static constexpr std::string_view name = "lecun1989-adamw";
  static constexpr std::string_view about = "and AdamW, a falling learning rate, 46 passes";
  static constexpr int epochs = 46;
  static constexpr double learning_rate = 3e-4;
  static constexpr std::optional<published_result> published{{72, 2'007, "Karpathy 2022, one subset"}};
  static tn::adamw optimizer(double rate) { return {.learning_rate = rate, .weight_decay = 1e-2}; }
  /// Falls in a straight line to a third.
  static std::function<double(int)> falling(double rate, int epochs) {
    return [rate, epochs](int epoch) { return rate * (1 - 2.0 / 3 * std::min(1.0, (epoch - 1) / std::max(1.0, epochs - 1.0))); };
  }
  static std::function<double(int)> schedule(double rate) { return falling(rate, epochs); }
};
struct lecun1989_shift : lecun1989_adamw {
  static constexpr std::string_view name = "lecun1989-shift";
  static constexpr std::string_view about = "and digits shifted by up to a pixel, 60 passes";
  static constexpr int epochs = 60;
  static constexpr std::optional<published_result> published{{43, 2'007, "Karpathy 2022, one subset"}};
  static std::function<double(int)> schedule(double rate) { return falling(rate, epochs); }
  static auto training_data(const tn::mnist_dataset& images) {
    return tn::transformed(images, tn::resize<16, 16, tn::antialias<false>>{}, tn::random_roll{1}, tn::normalize{0.5f, 0.5f});
  }
};
struct lecun1989_relu : lecun1989_shift {
  static constexpr std::string_view name = "lecun1989-relu";
  static constexpr std::string_view about = "and ReLU, dropout 0.25, 80 passes";
  static constexpr int epochs = 80;
  static constexpr std::optional<published_result> published{{32, 2'007, "Karpathy 2022, one subset"}};
  using network = network_of<tn::relu, tn::flatten, tn::dropout<0.25>, tn::linear<30>, tn::relu, tn::linear<10>>;
  static std::function<double(int)> schedule(double rate) { return falling(rate, epochs); }
};
struct lecun1989_data : lecun1989_relu {
  static constexpr std::string_view name = "lecun1989-data";
  static constexpr std::string_view about = "and 50,000 digits more";
  static constexpr std::optional<published_result> published{{25, 2'007, "Karpathy 2022, one subset"}};
  static std::vector<tn::index> choice(tn::mnist_split split, tn::index size, tn::seed seed) {
    return draw(split == tn::mnist_split::train ? 57'291 : 2'007, size, seed, split);
  }
};

// LeNet-5 as its paper has it (LeCun, Bottou, Bengio, Haffner 1998).

/// One digit a step, twenty passes, by second derivatives estimated before each; the discriminative loss (equation 9).
struct lenet5_1998 : recipe {
  static constexpr std::string_view name = "lenet5-1998";
  static constexpr std::string_view about = "LeNet-5 of 1998, loss of equation 9";
  static constexpr int epochs = 20;
  static constexpr int quick_epochs = 3;
  static constexpr int batch_size = 1;
  static constexpr double learning_rate = 5e-4;
  static constexpr bool shuffle = false;
  static constexpr bool reproduced = true;
  static constexpr std::optional<published_result> published{{95, 10'000, "LeCun et al. 1998"}};
  using cpu = tn::cpu_single;
  using network = tn::network<tn::input<1, 32, 32>,                                                                                //
                              tn::conv2d<6, 5>, tn::scaled_tanh, tn::trainable_subsample<2>, tn::scaled_tanh,                      //
                              tn::conv2d<16, 5, tn::connections<tn::lenet5_c3>>, tn::scaled_tanh, tn::trainable_subsample<2>,      //
                              tn::scaled_tanh, tn::conv2d<120, 5>, tn::scaled_tanh, tn::flatten, tn::linear<84>, tn::scaled_tanh,  //
                              tn::euclidean_rbf<tn::lenet5_codes>>;
  static_assert(network::parameter_count == 60'000);
  static_assert(network::connections == 340'908);
  static tn::rbf_map loss() { return {.j = 1}; }
  static tn::stochastic_diagonal_lm optimizer(double rate) { return {.learning_rate = rate, .mu = 0.02, .curvature_samples = 500}; }
  /// The paper's, as shares of the first two passes' rate.
  static std::function<double(int)> schedule(double rate) {
    return [rate](int epoch) { return rate * (epoch <= 2 ? 1 : epoch <= 5 ? 0.4 : epoch <= 8 ? 0.2 : epoch <= 12 ? 0.1 : 0.02); };
  }
  /// Weights U(±2.4/√F), F being a unit's inputs; subsampling starts as the mean of its window. The paper has U(±2.4/F), under which
  /// hardly anything reaches the upper layers: their second derivatives are next to nothing, so their steps are the largest there are,
  /// and once something does reach them they are lost.
  template <class Model>
  static void initialize(Model& model) {
    model.initialize(tn::init::lecun_1989_scheme());
    for (const tn::parameter_info& info : Model::network::parameters) {
      const std::string_view tensor = info.name;
      constexpr std::string_view weight = ".weight";
      if (info.spec.rank == 1 && tensor.ends_with(weight))
        model.initialize({.weight = tn::init::constant(0.25), .bias = tn::init::zeros()}, tensor.substr(0, tensor.size() - weight.size()));
    }
  }
  /// All, in one order for the whole training.
  static std::vector<tn::index> choice(tn::mnist_split split, tn::index size, tn::seed seed) {
    return split == tn::mnist_split::train ? draw(size, size, seed, split) : std::vector<tn::index>{};
  }
  /// Padded to 32x32; background -0.1, ink 1.175.
  static auto testing_data(const tn::mnist_dataset& images) {
    return tn::transformed(images, tn::pad<32, 32>{}, tn::normalize{0.1f / 1.275f, 1 / 1.275f});
  }
  static auto training_data(const tn::mnist_dataset& images) { return testing_data(images); }
};
/// The same on digits distorted anew in each pass: moved, scaled, squeezed and sheared, each by a chance amount.
struct lenet5_1998_distorted : lenet5_1998 {
  static constexpr std::string_view name = "lenet5-1998-distorted";
  static constexpr std::string_view about = "the same, on distorted digits";
  static constexpr std::optional<published_result> published{{82, 10'000, "LeCun et al. 1998"}};
  static auto training_data(const tn::mnist_dataset& images) {
    return tn::transformed(images, tn::pad<32, 32>{}, tn::random_affine{.translate = 1, .scale = 0.1f, .squeeze = 0.1f, .shear = 5},
                           tn::normalize{0.1f / 1.275f, 1 / 1.275f});
  }
};
/// The same with the penalty of the right class alone (equation 8).
struct lenet5_1998_mse : lenet5_1998 {
  static constexpr std::string_view name = "lenet5-1998-mse";
  static constexpr std::string_view about = "LeNet-5 of 1998, loss of equation 8";
  static tn::rbf_mse loss() { return {}; }
};

// "Pushing LeNet-5 to its limits": five networks that grow from one another, exactly as they were coded.

/// Linear layers by Xavier with biases of 0.01, centres standard normal, the rest by PyTorch's defaults. Nothing moves at first but by
/// weight decay, which brings the centres within reach after some thousand steps.
struct experiment : recipe {
  static constexpr std::string_view its_author = "its author, one seed, chosen on the test set";
  static constexpr int epochs = 100;
  static constexpr bool reproduced = true;
  template <class Model>
  static void initialize(Model& model) {
    model.initialize({.centers = tn::init::normal()});
    for (const tn::parameter_info& info : Model::network::parameters) {
      const std::string_view tensor = info.name;
      constexpr std::string_view weight = ".weight";
      if (info.spec.rank == 2 && tensor.ends_with(weight))
        model.initialize({.weight = tn::init::xavier_uniform(), .bias = tn::init::constant(0.01)},
                         tensor.substr(0, tensor.size() - weight.size()));
    }
  }
  /// Where an output can see its class from the start.
  template <class Model>
  static void bring_centers_near(Model& model) {
    for (const tn::parameter_info& info : Model::network::parameters)
      if (info.spec.role == tn::parameter_role::centers) {
        const std::string_view tensor = info.name;
        model.initialize({.centers = tn::init::normal(0, 0.2)}, tensor.substr(0, tensor.rfind('.')));
      }
  }
  template <class Model>
  static void hasten(Model& model) {
    bring_centers_near(model);
  }
};
struct e1 : experiment {
  static constexpr std::string_view name = "e1";
  static constexpr std::string_view about = "experiment 1: tanh, average pooling";
  static constexpr int seeds = 5;
  static constexpr std::optional<published_result> published{{104, 10'000, its_author}};
  using network = classic::network;
};
/// Without a normalisation, weights that nothing but their decay moves fall below the smallest number of single precision, and a layer of
/// which none is left can never learn.
struct precise_experiment : experiment {
  using cpu = tn::eigen_backend<double>;
};
template <tn::real Dropout>
using with_dropout = tn::network<tn::input<1, 32, 32>,                            //
                                 tn::conv2d<6, 5>, tn::relu, tn::max_pool2d<2>,   //
                                 tn::conv2d<16, 5>, tn::relu, tn::max_pool2d<2>,  //
                                 tn::flatten, tn::dropout<Dropout>,               //
                                 tn::linear<120>, tn::relu, tn::linear<84>, tn::relu, tn::gaussian_rbf<10>>;
struct e2a : precise_experiment {
  static constexpr std::string_view name = "e2a";
  static constexpr std::string_view about = "experiment 2a: ReLU, max pooling, dropout 0.25";
  static constexpr int seeds = 5;
  static constexpr std::optional<published_result> published{{91, 10'000, its_author}};
  using network = with_dropout<0.25>;
};
struct e2b : precise_experiment {
  static constexpr std::string_view name = "e2b";
  static constexpr std::string_view about = "experiment 2b: as 2a, dropout 0.1";
  static constexpr int seeds = 5;
  static constexpr std::optional<published_result> published{{83, 10'000, its_author}};
  using network = with_dropout<0.1>;
};
/// The number of groups is not known; one and two alone divide both 6 and 16 channels.
struct e2c : experiment {
  static constexpr std::string_view name = "e2c";
  static constexpr std::string_view about = "experiment 2c: as 2b, with group norm";
  static constexpr std::optional<published_result> published{{70, 10'000, its_author}};
  using network = tn::network<tn::input<1, 32, 32>,                                               //
                              tn::conv2d<6, 5>, tn::group_norm<2>, tn::relu, tn::max_pool2d<2>,   //
                              tn::conv2d<16, 5>, tn::group_norm<2>, tn::relu, tn::max_pool2d<2>,  //
                              tn::flatten, tn::dropout<0.1>,                                      //
                              tn::linear<120>, tn::relu, tn::linear<84>, tn::relu, tn::gaussian_rbf<10>>;
};
struct e2d : experiment {
  static constexpr std::string_view name = "e2d";
  static constexpr std::string_view about = "experiment 2d: as 2b, with batch norm";
  static constexpr int seeds = 5;
  static constexpr std::optional<published_result> published{{66, 10'000, its_author}};
  static constexpr int epochs = 60;
  using network = modern::network;
};
/// What explains them: centres within reach from the start, and weight decay that moves nothing by itself.
struct control : e2d {
  static constexpr int seeds = 3;
  static constexpr std::optional<published_result> published = std::nullopt;
  static constexpr std::string_view name = "control";
  static constexpr std::string_view about = "as 2d, with centres near one another and AdamW";
  template <class Model>
  static void initialize(Model& model) {
    e2d::initialize(model);
    bring_centers_near(model);
  }
  static tn::adamw optimizer(double rate) { return {.learning_rate = rate, .weight_decay = 1e-2}; }
};

}  // namespace lenet5
