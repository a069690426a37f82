// SPDX-License-Identifier: MIT
#include "report.hpp"

#include <cxxabi.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace cuda_on_cpu {

void stop(const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "cuda_on_cpu: %s\n", message.c_str());
  std::fflush(stderr);
  std::_Exit(fault_status);
}

std::string hexadecimal(std::uint64_t number) {
  std::array<char, 16> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16);
  return "0x" + std::string{digits.data(), written.ptr};
}

std::string readable(const std::string& mangled) {
  constexpr std::size_t most = 600;
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name{abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), std::free};
  std::string text = status == 0 ? std::string{name.get()} : mangled;
  if (text.size() > most) text = text.substr(0, most) + "...";
  return text;
}

}  // namespace cuda_on_cpu
