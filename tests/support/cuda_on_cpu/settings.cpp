// SPDX-License-Identifier: MIT
#include "settings.hpp"

#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#include "report.hpp"

namespace cuda_on_cpu {
namespace {

/// Reads TYPENET_CUDA_ON_CPU_`name`, a whole number of at least `least`; returns `otherwise` where it is not set.
std::uint64_t number_from(const char* name, std::uint64_t otherwise, std::uint64_t least = 0) {
  const std::string variable = std::string{"TYPENET_CUDA_ON_CPU_"} + name;
  const char* const value = std::getenv(variable.c_str());
  if (value == nullptr) return otherwise;
  const std::string_view text{value};
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < least)
    stop(variable + " must be a whole number of at least " + std::to_string(least) + ", not '" + std::string{text} + "'");
  return number;
}

}  // namespace

const settings& get_settings() {
  static const settings all = [] {
    settings s;
    s.statistics = number_from("STATISTICS", 0) != 0;
    s.reversed = number_from("REVERSED", 0) != 0;
    s.eager = number_from("EAGER", 0) != 0;
    s.processors = number_from("PROCESSORS", s.processors, 1);
    s.memory = number_from("MEMORY", s.memory);
    s.fail_synchronization = number_from("FAIL_SYNCHRONIZATION", 0);
    s.fail_allocation = number_from("FAIL_ALLOCATION", 0);
    s.instructions = number_from("INSTRUCTIONS", s.instructions, 1);
    return s;
  }();
  return all;
}

}  // namespace cuda_on_cpu
