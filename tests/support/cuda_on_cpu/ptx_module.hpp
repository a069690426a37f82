// SPDX-License-Identifier: MIT
/// @file
/// The functions and variables of a PTX module. Bodies of functions stay text until a kernel is decoded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "program.hpp"
#include "ptx_lexer.hpp"

namespace cuda_on_cpu {

/// The type that a part of an opcode names, such as "u32".
std::optional<type> type_named(std::string_view name);

/// A declared variable or parameter.
struct variable {
  std::string_view name;
  space where = space::global;
  std::size_t bytes = 0;
  std::size_t alignment = 1;
  /// Where it lies in its state space.
  std::uint64_t address = 0;
};

/// Reads a declaration, without what its value is: ".shared .align 4 .b8 buffer[400]".
variable read_variable(const std::vector<token>& tokens);

struct function_text {
  bool is_kernel = false;
  std::string_view name;
  std::vector<variable> parameters;
  std::vector<variable> results;
  int most_threads = 1024;
  std::string_view body;
};

class ptx_module {
 public:
  /// Takes the text of a module. It is read when something of it is asked for.
  explicit ptx_module(std::string text) : text_{std::move(text)} {}
  ptx_module(const ptx_module&) = delete;
  ptx_module& operator=(const ptx_module&) = delete;

  /// The function, or null where there is none.
  const function_text* function(std::string_view name);
  /// The global or shared variable, or null where there is none. Global variables lie in device memory. Shared variables have no address.
  const variable* find(std::string_view name);
  /// The architecture that the module was compiled for: 90 of ".target sm_90"; 0 where it does not say so.
  int architecture();
  /// The decoded kernel.
  const kernel& decoded(std::string_view name);

 private:
  void read();
  void read_function(const std::vector<token>& tokens, std::string_view body);
  void read_global(const std::vector<token>& tokens);

  std::string text_;
  bool is_read_ = false;
  int architecture_ = 0;
  std::map<std::string_view, function_text> functions_;
  std::map<std::string_view, variable> variables_;
  std::map<std::string_view, std::unique_ptr<kernel>> kernels_;
};

}  // namespace cuda_on_cpu
