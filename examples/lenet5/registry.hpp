// SPDX-License-Identifier: MIT
// Registry of the recipes that are compiled into this program. The file of each recipe registers it before main() starts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings.hpp"

namespace lenet5 {

/// A published test result to compare with.
struct published_result {
  int misses;
  int count;
  std::string_view by;
};

/// A recipe on a backend, without its types.
struct compiled_recipe {
  std::string name, about, backend;
  int layers;
  long long parameters, macs;
  bool reproduced;
  int seeds, epochs, quick_epochs;
  std::optional<published_result> published;
  int (*run)(command, const settings&);
};

/// Adds a recipe to the registry. Called before main() starts.
void add_to_registry(const compiled_recipe& recipe);

/// The recipes that are compiled in for a backend, in the order of the tables.
std::vector<compiled_recipe> compiled_recipes(std::string_view backend);

/// The names of all recipes, compiled in or not, separated by commas.
std::string recipe_names();

/// The names of the recipes that are not compiled in for any backend, separated by commas.
std::string names_not_compiled();

/// Advice for something that is not compiled in: "build the target ...".
std::string build_instead(const std::string& target);

/// Runs a command with the recipe and the backend that the settings name.
/// @throws typenet::argument_error if the recipe is not compiled in for the backend; the message lists the choices or the target to build
int run_recipe(command what, const settings& s);

}  // namespace lenet5
