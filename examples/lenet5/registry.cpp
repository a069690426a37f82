// SPDX-License-Identifier: MIT
#include "registry.hpp"

#include <algorithm>

#include <typenet/core/error.hpp>

#include "program.hpp"
#include "suggestion.hpp"

namespace lenet5 {
namespace {

std::vector<compiled_recipe>& registry() {
  static std::vector<compiled_recipe> recipes;
  return recipes;
}

void append(std::string& names, std::string_view name) {
  if (!names.empty()) names += ", ";
  names += name;
}

/// True if the list `words`, separated by spaces, contains `word`.
bool has_word(std::string_view words, std::string_view word) {
  return (" " + std::string{words} + " ").find(" " + std::string{word} + " ") != std::string::npos;
}

}  // namespace

void add_to_registry(const compiled_recipe& recipe) { registry().push_back(recipe); }

std::vector<compiled_recipe> compiled_recipes(std::string_view backend) {
  std::vector<compiled_recipe> found;
  for (const known_recipe& known : program.known)
    for (const compiled_recipe& recipe : registry())
      if (recipe.name == known.name && recipe.backend == backend) found.push_back(recipe);
  return found;
}

std::string recipe_names() {
  std::string names;
  for (const known_recipe& known : program.known) append(names, known.name);
  return names;
}

std::string names_not_compiled() {
  std::string names;
  for (const known_recipe& known : program.known)
    if (std::none_of(registry().begin(), registry().end(), [&](const compiled_recipe& r) { return r.name == known.name; }))
      append(names, known.name);
  return names;
}

std::string build_instead(const std::string& target) {
  return "build the target " + target + " (cmake --build BUILD_FOLDER --target " + target + ") and use the program of that name";
}

int run_recipe(command what, const settings& s) {
  const auto known = std::find_if(program.known.begin(), program.known.end(), [&](const known_recipe& k) { return k.name == s.model; });
  if (known == program.known.end()) {
    std::vector<std::string> names;
    for (const known_recipe& recipe : program.known) names.emplace_back(recipe.name);
    throw typenet::argument_error("there is no model '" + s.model + "'" + suggestion(s.model, names) + "; there are: " + recipe_names());
  }
  for (const compiled_recipe& recipe : registry())
    if (recipe.name == s.model && recipe.backend == s.backend) return recipe.run(what, s);
  if (!has_word(known->backends, s.backend)) throw typenet::argument_error("model '" + s.model + "' runs with --backend eigen alone");
  if (!has_word(program.backends, s.backend))
    throw typenet::argument_error("this lenet5 was built without the backend '" + s.backend + "', which needs " +
                                  (s.backend == "cuda" ? "the CUDA Toolkit: configure with -DTYPENET_CUDA=ON"
                                                       : "Thrust's headers (Debian: libthrust-dev) when it is configured"));
  throw typenet::argument_error("model '" + s.model + "' with --backend " + s.backend + " is not compiled into this program; " +
                                build_instead("lenet5_" + s.model + (s.backend == "eigen" ? "" : "_" + s.backend)) +
                                ", or the target lenet5, which has all models");
}

}  // namespace lenet5
