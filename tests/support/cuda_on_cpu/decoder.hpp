// SPDX-License-Identifier: MIT
/// @file
/// Turns the text of a kernel into instructions.
#pragma once

#include <string_view>
#include <vector>

#include "program.hpp"
#include "ptx_module.hpp"

namespace cuda_on_cpu {

/// The name of an operation, split at its dots: "ld", "global", "f32".
struct opcode {
  std::vector<std::string_view> parts;
  /// The types among the parts.
  std::vector<type> types;

  explicit opcode(std::string_view name);

  [[nodiscard]] std::string_view root() const { return parts[0]; }
  [[nodiscard]] bool has(std::string_view part) const;
  /// The last type, of what is read; 32 bits where there is none.
  [[nodiscard]] type last() const { return types.empty() ? type{} : types.back(); }
  /// The type before the last, of the result of a conversion.
  [[nodiscard]] type before_last() const { return types.size() < 2 ? last() : types[types.size() - 2]; }
};

/// Decodes a kernel. Calls of functions are replaced by their instructions.
kernel decode_kernel(ptx_module& from, const function_text& text);

}  // namespace cuda_on_cpu
