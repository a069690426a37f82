// SPDX-License-Identifier: MIT
// What one program of the lenet5 family was built with, as CMake writes it into a file for each.
#pragma once

#include <span>
#include <string_view>

namespace lenet5 {

struct settings;
int reproduce(settings s);
int plot(const settings& s);

/// A recipe that exists, whether it is compiled into this program or not.
struct known_recipe {
  std::string_view name;
  std::string_view backends;  ///< names between spaces
};

struct program_facts {
  std::string_view model, backend;      ///< what it uses unless told otherwise
  bool whole;                           ///< whether it is meant to have all recipes
  std::string_view backends;            ///< those that this build folder can compile
  std::span<const known_recipe> known;  ///< in the order of the tables
  int (*reproduce)(settings);           ///< null: not compiled in
  int (*plot)(const settings&);         ///< null: not compiled in
};
extern const program_facts program;

}  // namespace lenet5
