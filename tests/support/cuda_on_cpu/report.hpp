// SPDX-License-Identifier: MIT
/// @file
/// How a fault ends the program, and how numbers and names look in messages.
#pragma once

#include <cstdint>
#include <string>

namespace cuda_on_cpu {

/// The exit status of a program in which a fault was found.
inline constexpr int fault_status = 99;

/// Prints "cuda_on_cpu: `message`" to the standard error stream, and ends the program with `fault_status`.
[[noreturn]] void stop(const std::string& message);

/// An address as it is written in messages: 0x7f00.
std::string hexadecimal(std::uint64_t number);

/// The C++ name of a function, from its name in an object file. Long names are cut.
std::string readable(const std::string& mangled);

}  // namespace cuda_on_cpu
