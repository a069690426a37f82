// SPDX-License-Identifier: MIT
// Build facts of one program of the lenet5 family. CMake generates the file that defines them.
#pragma once

#include <span>
#include <string_view>

namespace lenet5 {

struct settings;
int reproduce(settings s);
int plot(const settings& s);

/// A recipe of recipes.txt, compiled into this program or not.
struct known_recipe {
  std::string_view name;
  std::string_view backends;  ///< names, separated by spaces
};

/// Properties of this program, fixed by CMake.
struct program_facts {
  std::string_view model, backend;      ///< defaults of --model and --backend
  bool whole;                           ///< true for the program with all recipes
  std::string_view backends;            ///< backends that this build folder can compile, separated by spaces
  std::span<const known_recipe> known;  ///< all recipes, in the order of the tables
  int (*reproduce)(settings);           ///< null: not compiled in
  int (*plot)(const settings&);         ///< null: not compiled in
};
extern const program_facts program;

}  // namespace lenet5
