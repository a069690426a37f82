// SPDX-License-Identifier: MIT
/// @file
/// The exceptions thrown for what only run time can know: files, arguments, devices.
#pragma once

#include <stdexcept>

namespace typenet {

/// Base of everything typenet throws. The message says what was wrong, where, and what would be right.
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A file or stream that cannot be read, written or understood.
class file_error : public error {
 public:
  using error::error;
};

/// A value passed in that no call could accept (an index out of range, a batch of no samples).
class argument_error : public error {
 public:
  using error::error;
};

/// A device that is not there, has no room, or failed.
class device_error : public error {
 public:
  using error::error;
};

}  // namespace typenet
