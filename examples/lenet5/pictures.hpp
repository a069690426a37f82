// SPDX-License-Identifier: MIT
// Scripts of gnuplot for the pictures of results. A script has numbers from files, and text of the program alone.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "program.hpp"
#include "results.hpp"

namespace lenet5 {

/// The program's own text for the name of a recipe that a file gives.
/// @param file for the message
/// @throws typenet::file_error if no known recipe has that name
std::string_view own_name(const std::filesystem::path& file, const std::string& name, std::span<const known_recipe> known);

/// A script that draws the confusion matrix: true digits down, predicted digits across. The diagonal has numbers without color, because its
/// large counts would hide all other colors.
/// @param row the program's own name of the run's recipe
std::string confusion_script(std::string_view row, const run_record& run);

/// A script that draws the loss and the error rates over the epochs, one line per seed.
/// @param row the program's own name of the runs' recipe
std::string curves_script(std::string_view row, const std::vector<run_record>& runs);

/// A script that draws the test errors of all rows and the published results.
/// @param file holds `results`, for messages
/// @throws typenet::file_error if a row is no known recipe, or a part is missing or of another type
std::string rows_script(const std::filesystem::path& file, const nlohmann::json& results, std::span<const known_recipe> known);

}  // namespace lenet5
