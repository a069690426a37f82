// SPDX-License-Identifier: MIT
/// @file
/// The exceptions of the library. They report what is known at run time only: files, arguments, devices.
#pragma once

#include <stdexcept>

namespace typenet {

/// The base of all exceptions of the library. The message says what was wrong, where, and what would be right.
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Thrown if a file or stream cannot be read, written or parsed.
class file_error : public error {
 public:
  using error::error;
};

/// Thrown if an argument is invalid, such as an index out of range or an empty batch.
class argument_error : public error {
 public:
  using error::error;
};

/// Thrown if an object is used in a way that its documentation forbids, such as by two threads at once.
class usage_error : public error {
 public:
  using error::error;
};

/// Thrown if training has diverged: the loss or a weight is no finite number.
class training_error : public error {
 public:
  using error::error;
};

/// Thrown if a device is missing, is out of memory, or failed.
class device_error : public error {
 public:
  using error::error;
};

/// Thrown if a device has too little free memory.
class device_memory_error : public device_error {
 public:
  using device_error::device_error;
};

}  // namespace typenet
