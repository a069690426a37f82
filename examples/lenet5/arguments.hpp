// SPDX-License-Identifier: MIT
// Checks of numbers on the command line. Messages say what was given and what would be right.
#pragma once

#include <CLI/CLI.hpp>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <system_error>

namespace lenet5 {

/// Accepts whole numbers from `least` to `most`.
/// @param reason what sets the upper limit, for the message
template <class Integer>
CLI::Validator whole_number(Integer least, Integer most = std::numeric_limits<Integer>::max(), const std::string& reason = {}) {
  return {[=](const std::string& text) -> std::string {
            const bool negative = text.starts_with('-');
            const std::string digits = text.substr(negative ? 1 : 0);
            if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) return "'" + text + "' is no whole number";
            Integer value{};
            const bool fits = std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{};
            if (fits ? value < least : negative) return "must be " + std::to_string(least) + " or more, got " + text;
            if (fits ? value > most : !negative) return "must be " + std::to_string(most) + " or less" + reason + ", got " + text;
            return {};
          },
          most == std::numeric_limits<Integer>::max() ? ">=" + std::to_string(least) : std::to_string(least) + "-" + std::to_string(most),
          "whole number"};
}

/// Accepts finite numbers from 0.
inline CLI::Validator number_from_0() {
  return {[](const std::string& text) -> std::string {
            char* end = nullptr;
            const double value = std::strtod(text.c_str(), &end);
            if (text.empty() || end != text.c_str() + text.size()) return "'" + text + "' is no number";
            return std::isfinite(value) && value >= 0 ? "" : "must be a finite number of 0 or more, got " + text;
          },
          ">=0", "number from 0"};
}

}  // namespace lenet5
