// SPDX-License-Identifier: MIT
// Runs the program gnuplot.
#pragma once

#include <string>

namespace lenet5 {

/// The SVG picture that a script of gnuplot prints. Script and picture pass through files without names, and no shell.
/// @throws typenet::file_error if gnuplot is missing, fails, or prints no picture
std::string run_gnuplot(const std::string& script);

}  // namespace lenet5
