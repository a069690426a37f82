// SPDX-License-Identifier: MIT
// What can be trained by name. A recipe is a network type, how it starts, the data it sees, a loss, an optimizer and a schedule; to add
// one, write it here and list it in `recipes` and in CMakeLists.txt.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <tuple>

#include <typenet/data.hpp>
#include <typenet/typenet.hpp>

namespace lenet5 {

namespace tn = typenet;

/// What the recipes below share. Each may put a member of its own in place of one here.
struct recipe {
  static constexpr int epochs = 30;
  static constexpr int batch_size = 32;
  static constexpr double learning_rate = 3e-4;
  /// Where it runs with `--backend eigen`.
  using cpu = tn::cpu;
  /// Whether it is compiled for the other backends too.
  static constexpr bool everywhere = false;
  /// Changes how a model starts.
  template <class Model>
  static void initialize(Model&) {}
  /// The learning rate of each epoch from the first one's, if it changes.
  static std::function<double(int)> schedule(double /*rate*/) { return nullptr; }
  static tn::mse loss() { return {}; }
  /// Adam with its weight decay inside the gradient, which is what moves a Gaussian output at first.
  static tn::adam optimizer(double rate) { return {.learning_rate = rate, .weight_decay = 1e-4}; }
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

/// Batch norm, ReLU, max pooling, a little dropout; Gaussian outputs and squared error.
struct modern : recipe {
  static constexpr bool everywhere = true;
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
  static constexpr bool everywhere = true;
  static constexpr std::string_view name = "classic";
  static constexpr std::string_view about = "tanh, average pooling";
  using network = tn::network<tn::input<1, 32, 32>,                            //
                              tn::conv2d<6, 5>, tn::tanh, tn::avg_pool2d<2>,   //
                              tn::conv2d<16, 5>, tn::tanh, tn::avg_pool2d<2>,  //
                              tn::flatten,                                     //
                              tn::linear<120>, tn::tanh, tn::linear<84>, tn::tanh, tn::gaussian_rbf<10>>;
};

// LeNet-5 as its paper has it (LeCun, Bottou, Bengio, Haffner 1998).

/// One digit a step, twenty passes, by second derivatives estimated before each; the penalty of the right class (equation 8).
struct lenet5_1998 : recipe {
  static constexpr std::string_view name = "lenet5-1998";
  static constexpr std::string_view about = "LeNet-5 of 1998, loss of equation 8";
  static constexpr int epochs = 20;
  static constexpr int batch_size = 1;
  static constexpr double learning_rate = 5e-4;
  using cpu = tn::cpu_single;
  using network = tn::network<tn::input<1, 32, 32>,                                                                                //
                              tn::conv2d<6, 5>, tn::scaled_tanh, tn::trainable_subsample<2>, tn::scaled_tanh,                      //
                              tn::conv2d<16, 5, tn::connections<tn::lenet5_c3>>, tn::scaled_tanh, tn::trainable_subsample<2>,      //
                              tn::scaled_tanh, tn::conv2d<120, 5>, tn::scaled_tanh, tn::flatten, tn::linear<84>, tn::scaled_tanh,  //
                              tn::euclidean_rbf<tn::lenet5_codes>>;
  static_assert(network::parameter_count == 60'000);
  static_assert(network::connections == 340'908);
  static tn::rbf_mse loss() { return {}; }
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
  /// Padded to 32x32; background -0.1, ink 1.175.
  static auto testing_data(const tn::mnist_dataset& images) {
    return tn::transformed(images, tn::pad<32, 32>{}, tn::normalize{0.1f / 1.275f, 1 / 1.275f});
  }
  static auto training_data(const tn::mnist_dataset& images) { return testing_data(images); }
};
/// The same with the discriminative loss (equation 9).
struct lenet5_1998_map : lenet5_1998 {
  static constexpr std::string_view name = "lenet5-1998-map";
  static constexpr std::string_view about = "LeNet-5 of 1998, loss of equation 9";
  static tn::rbf_map loss() { return {.j = 1}; }
};

// "Pushing LeNet-5 to its limits": five networks that grow from one another, exactly as they were coded.

/// Linear layers by Xavier with biases of 0.01, centres standard normal, the rest by PyTorch's defaults. Nothing moves at first but by
/// weight decay, which brings the centres within reach after some thousand steps.
struct experiment : recipe {
  static constexpr int epochs = 100;
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
};
struct e1 : experiment {
  static constexpr std::string_view name = "e1";
  static constexpr std::string_view about = "experiment 1: tanh, average pooling";
  using network = classic::network;
};
template <tn::real Dropout>
using with_dropout = tn::network<tn::input<1, 32, 32>,                            //
                                 tn::conv2d<6, 5>, tn::relu, tn::max_pool2d<2>,   //
                                 tn::conv2d<16, 5>, tn::relu, tn::max_pool2d<2>,  //
                                 tn::flatten, tn::dropout<Dropout>,               //
                                 tn::linear<120>, tn::relu, tn::linear<84>, tn::relu, tn::gaussian_rbf<10>>;
struct e2a : experiment {
  static constexpr std::string_view name = "e2a";
  static constexpr std::string_view about = "experiment 2a: ReLU, max pooling, dropout 0.25";
  using network = with_dropout<0.25>;
};
struct e2b : experiment {
  static constexpr std::string_view name = "e2b";
  static constexpr std::string_view about = "experiment 2b: as 2a, dropout 0.1";
  using network = with_dropout<0.1>;
};
/// The number of groups is not known; one and two alone divide both 6 and 16 channels.
struct e2c : experiment {
  static constexpr std::string_view name = "e2c";
  static constexpr std::string_view about = "experiment 2c: as 2b, with group norm";
  using network = tn::network<tn::input<1, 32, 32>,                                               //
                              tn::conv2d<6, 5>, tn::group_norm<2>, tn::relu, tn::max_pool2d<2>,   //
                              tn::conv2d<16, 5>, tn::group_norm<2>, tn::relu, tn::max_pool2d<2>,  //
                              tn::flatten, tn::dropout<0.1>,                                      //
                              tn::linear<120>, tn::relu, tn::linear<84>, tn::relu, tn::gaussian_rbf<10>>;
};
struct e2d : experiment {
  static constexpr std::string_view name = "e2d";
  static constexpr std::string_view about = "experiment 2d: as 2b, with batch norm";
  static constexpr int epochs = 60;
  using network = modern::network;
};
/// What explains them: centres within reach from the start, and weight decay that moves nothing by itself.
struct control : e2d {
  static constexpr std::string_view name = "control";
  static constexpr std::string_view about = "as 2d, with centres near one another and AdamW";
  template <class Model>
  static void initialize(Model& model) {
    e2d::initialize(model);
    for (const tn::parameter_info& info : Model::network::parameters)
      if (info.spec.role == tn::parameter_role::centers) {
        const std::string_view tensor = info.name;
        model.initialize({.centers = tn::init::normal(0, 0.2)}, tensor.substr(0, tensor.rfind('.')));
      }
  }
  static tn::adamw optimizer(double rate) { return {.learning_rate = rate, .weight_decay = 1e-2}; }
};

inline constexpr std::tuple<modern, softmax, classic, lenet5_1998, lenet5_1998_map, e1, e2a, e2b, e2c, e2d, control> recipes;

/// Calls `use(recipe)` for the recipe of that name.
/// @throws typenet::argument_error with the names there are, if there is none
template <class Use>
auto with_recipe(const std::string& name, const Use& use) {
  return std::apply(
      [&](const auto&... recipe) {
        int result = 0;
        const bool found = ((recipe.name == name ? (result = use(recipe), true) : false) || ...);
        if (!found) {
          std::string names;
          ((names += (names.empty() ? "" : ", ") + std::string{recipe.name}), ...);
          throw tn::argument_error("there is no model '" + name + "'; there are: " + names);
        }
        return result;
      },
      recipes);
}

}  // namespace lenet5
