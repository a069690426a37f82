// SPDX-License-Identifier: MIT
// The CPU, by Eigen and OpenMP. Each recipe is compiled from eigen_recipes.cpp.in.
#include "recipes.hpp"
#include "settings.hpp"

int lenet5::run_on_eigen(command what, const settings& s) {
  return with_recipe(s.model, [&]<class Recipe>(const Recipe&) { return run<typename Recipe::cpu, Recipe>(what, s); });
}
