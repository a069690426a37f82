// SPDX-License-Identifier: MIT
// The recipes that are compiled into this program. A recipe is found by being linked: its file adds it before main() starts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings.hpp"

namespace lenet5 {

/// What somebody else measured.
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

/// Adds a recipe. Called before main() starts.
void add_to_registry(const compiled_recipe& recipe);

/// The recipes that are compiled in for a backend, in the order of the tables.
std::vector<compiled_recipe> compiled_recipes(std::string_view backend);

/// The names of all recipes, with commas between them, whether they are compiled in or not.
std::string recipe_names();

/// The names of the recipes that are not compiled in for any backend, with commas between them.
std::string names_not_compiled();

/// What to do where something is not compiled in: "build the target ...".
std::string build_instead(const std::string& target);

/// Runs a command with the recipe and on the backend that the settings name.
/// @throws typenet::argument_error with what there is, or with the target to build, if that recipe is not compiled in for that backend
int run_recipe(command what, const settings& s);

}  // namespace lenet5
