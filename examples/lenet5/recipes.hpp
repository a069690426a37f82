// SPDX-License-Identifier: MIT
// What can be trained by name. A recipe is a network type, the data it sees, a loss and an optimizer; to add one, write it here and
// list it in `recipes`.
#pragma once

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
  static constexpr double learning_rate = 3e-4;
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

inline constexpr std::tuple<modern, softmax, classic> recipes;

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
