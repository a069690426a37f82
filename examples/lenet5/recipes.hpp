// SPDX-License-Identifier: MIT
// The recipes: trainings that have a name. A recipe combines a network type, its initialization, its data, a loss, an optimizer and a
// schedule. To add a recipe, write it here and list it in recipes.txt.
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

/// Defaults of all recipes. A recipe derives from this struct and may hide any member by one of its own.
struct recipe {
  static constexpr int epochs = 30;
  static constexpr int batch_size = 32;
  static constexpr double learning_rate = 3e-4;
  /// True if every epoch has a new random order.
  static constexpr bool shuffle = true;
  /// True if `lenet5 reproduce` runs the recipe. The next three members are the number of seeds, the published result, and the number of
  /// epochs with `--quick`.
  static constexpr bool reproduced = false;
  static constexpr int seeds = 3;
  static constexpr std::optional<published_result> published = std::nullopt;
  static constexpr int quick_epochs = 6;
  /// The backend that `--backend eigen` selects.
  using cpu = tn::cpu;
  /// Changes the initial parameters of a model.
  template <class Model>
  static void initialize(Model&) {}
  /// Changes the initial parameters again for `lenet5 reproduce --quick`, so that a slow recipe learns within a few epochs.
  template <class Model>
  static void hasten(Model&) {}
  /// Returns the learning rate as a function of the epoch. `rate` is the rate of the first epoch; null means a constant rate.
  static std::function<double(int)> schedule(double /*rate*/) { return nullptr; }
  static tn::mse loss() { return {}; }
  /// Adam with weight decay as part of the gradient. At first, only this term moves the parameters of a Gaussian output.
  static tn::adam optimizer(double rate) { return {.learning_rate = rate, .weight_decay = 1e-4}; }
  /// Returns the indices of the images that the recipe uses, in order. Empty means all images in the order of the split.
  static std::vector<tn::index> choice(tn::mnist_split, tn::index /*size*/, tn::seed) { return {}; }
  /// Training images: resized from 28x28 to 32x32, rotated by up to 15 degrees, brightness and contrast changed by up to 20 %.
  static auto training_data(const tn::mnist_dataset& images) {
    return tn::transformed(images, tn::resize<32, 32>{}, tn::random_rotation{15.0f}, tn::color_jitter{.brightness = 0.2f, .contrast = 0.2f},
                           tn::normalize{0.1307f, 0.3081f});
  }
  /// Test images: resized from 28x28 to 32x32, without augmentation.
  static auto testing_data(const tn::mnist_dataset& images) {
    return tn::transformed(images, tn::resize<32, 32>{}, tn::normalize{0.1307f, 0.3081f});
  }
};

/// Draws `count` of `size` images at random without replacement. The seed and the split determine the result.
inline std::vector<tn::index> draw(tn::index count, tn::index size, tn::seed seed, tn::mnist_split split) {
  std::vector<tn::index> images(static_cast<std::size_t>(size));
  std::iota(images.begin(), images.end(), tn::index{0});
  tn::random_sequence random{tn::counter_rng{seed, tn::random_stream::user}, 0, split == tn::mnist_split::train ? 0U : 1U};
  count = std::min(count, size);
  tn::partial_shuffle(images, static_cast<std::size_t>(count), random);
  images.resize(static_cast<std::size_t>(count));
  return images;
}

/// LeNet-5 with batch norm, ReLU, max pooling, dropout of 0.1, Gaussian outputs and squared error.
struct modern : recipe {
  static constexpr std::string_view name = "modern";
  static constexpr std::string_view about = "batch norm, ReLU, max pooling, dropout 0.1";
  using network = tn::network<tn::input<1, 32, 32>,                                              //
                              tn::conv2d<6, 5>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>,   //
                              tn::conv2d<16, 5>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>,  //
                              tn::flatten, tn::dropout<0.1>,                                     //
                              tn::linear<120>, tn::relu, tn::linear<84>, tn::relu, tn::gaussian_rbf<10>>;
};

/// `modern` with a linear output layer and cross-entropy, as in most classifiers of today. It learns from the first step on.
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

/// LeNet-5 with tanh, average pooling, Gaussian outputs and squared error; no batch norm and no dropout.
struct classic : recipe {
  static constexpr std::string_view name = "classic";
  static constexpr std::string_view about = "tanh, average pooling";
  using network = tn::network<tn::input<1, 32, 32>,                            //
                              tn::conv2d<6, 5>, tn::tanh, tn::avg_pool2d<2>,   //
                              tn::conv2d<16, 5>, tn::tanh, tn::avg_pool2d<2>,  //
                              tn::flatten,                                     //
                              tn::linear<120>, tn::tanh, tn::linear<84>, tn::tanh, tn::gaussian_rbf<10>>;
};

// The network of 1989 (LeCun et al., "Backpropagation applied to handwritten zip code recognition") and its modernization step by step,
// after A. Karpathy (2022). MNIST is reduced to the image size and the number of images of the data set of 1989.

/// The network of 1989, trained with one digit per step. The order of the digits is fixed for the whole training.
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
  /// Convolution with a 5x5 kernel, stride 2 and padding 2. The padding value is the background, -1.
  template <class... Options>
  using window = tn::conv2d<12, 5, tn::stride<2>, tn::padding<2>, tn::padding_value<-1>, tn::bias<tn::per_unit>, Options...>;
  template <class Squash, class... Top>
  using network_of = tn::network<tn::input<1, 16, 16>,                                                 //
                                 window<>, Squash, window<tn::connections<tn::lenet1989_h2>>, Squash,  //
                                 Top...>;
  using network = network_of<tn::tanh, tn::flatten, tn::linear<30>, tn::tanh, tn::linear<10>, tn::tanh>;
  static_assert(network::parameter_count == 9'760);
  static_assert(network::macs == 63'660);

  /// Weights from U(±2.4/√F), where F is the number of inputs of a unit; biases 0. Output biases are -1, the most frequent target.
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
  /// Images resized to 16x16, values from -1 to 1.
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
  /// Learning rate that falls linearly to a third of `rate` in the last epoch.
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

// LeNet-5 as in its paper (LeCun, Bottou, Bengio, Haffner 1998).

/// LeNet-5 with the discriminative loss (equation 9): twenty epochs, one digit per step. The optimizer estimates second derivatives
/// before each epoch.
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
  /// The schedule of the paper. The factors are relative to the rate of the first two epochs.
  static std::function<double(int)> schedule(double rate) {
    return [rate](int epoch) { return rate * (epoch <= 2 ? 1 : epoch <= 5 ? 0.4 : epoch <= 8 ? 0.2 : epoch <= 12 ? 0.1 : 0.02); };
  }
  /// Weights from U(±2.4/√F), where F is the number of inputs of a unit. Subsampling starts as the mean of its window.
  /// The paper has U(±2.4/F), under which the upper layers receive almost no signal. Their second derivatives are then close to zero,
  /// their steps become as large as possible, and training diverges there as soon as a signal arrives.
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
  /// All images. The order of the training images is random and fixed for the whole training.
  static std::vector<tn::index> choice(tn::mnist_split split, tn::index size, tn::seed seed) {
    return split == tn::mnist_split::train ? draw(size, size, seed, split) : std::vector<tn::index>{};
  }
  /// Images padded to 32x32; the background is -0.1, the ink 1.175.
  static auto testing_data(const tn::mnist_dataset& images) {
    return tn::transformed(images, tn::pad<32, 32>{}, tn::normalize{0.1f / 1.275f, 1 / 1.275f});
  }
  static auto training_data(const tn::mnist_dataset& images) { return testing_data(images); }
};
/// `lenet5_1998` on digits that are distorted at random in each epoch: translated, scaled, squeezed and sheared.
struct lenet5_1998_distorted : lenet5_1998 {
  static constexpr std::string_view name = "lenet5-1998-distorted";
  static constexpr std::string_view about = "the same, on distorted digits";
  static constexpr std::optional<published_result> published{{82, 10'000, "LeCun et al. 1998"}};
  static auto training_data(const tn::mnist_dataset& images) {
    return tn::transformed(images, tn::pad<32, 32>{}, tn::random_affine{.translate = 1, .scale = 0.1f, .squeeze = 0.1f, .shear = 5},
                           tn::normalize{0.1f / 1.275f, 1 / 1.275f});
  }
};
/// `lenet5_1998` with the loss of equation 8, which penalizes the right class only.
struct lenet5_1998_mse : lenet5_1998 {
  static constexpr std::string_view name = "lenet5-1998-mse";
  static constexpr std::string_view about = "LeNet-5 of 1998, loss of equation 8";
  static tn::rbf_mse loss() { return {}; }
};

// The experiments of "Pushing LeNet-5 to its limits": five networks, exactly as in its code. Each one extends an earlier one.

/// Defaults of the experiments. Linear layers start with Xavier weights and biases of 0.01, centers with the standard normal distribution,
/// all other parameters with PyTorch's defaults. At first, only weight decay moves the parameters. After some thousand steps the centers
/// are close enough for the gradient to be useful.
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
  /// Initializes the centers near the origin, so that every output has a useful gradient from the first step.
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
/// Experiment in double precision. Without normalization layers, weight decay alone moves the weights at first. In single precision they
/// underflow to zero, and a layer of zeros can never learn.
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
/// Experiment 2c. Its source does not give the number of groups; only one and two divide both 6 and 16 channels.
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
/// Control experiment that explains the results: e2d with centers near the origin, and with weight decay outside the gradient (AdamW).
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
