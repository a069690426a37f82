// SPDX-License-Identifier: MIT
/// @file
/// deferred_error: a report (core/diagnostics.hpp) from within a function whose value is needed as a constant.
#pragma once

#include <typenet/core/diagnostics.hpp>

namespace typenet::detail {

/// Stops compilation with the message of `report_error` when its body is instantiated.
template <class Error, class Text>
void report_when_instantiated() {
  static_cast<void>(sizeof(report_error<Error, Text>()));
}

/// Stops compilation with the message of `report_error`, and is the constant true. The message comes from a function that is used but not
/// called, which compilers instantiate last: clang takes a function for no constant where an error occurs during its own instantiation, and
/// would add a second message.
template <class Error, class Text>
constexpr bool deferred_error() {
  constexpr void (*report)() = &report_when_instantiated<Error, Text>;
  return report != nullptr;
}

}  // namespace typenet::detail
