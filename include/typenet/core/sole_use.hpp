// SPDX-License-Identifier: MIT
/// @file
/// sole_use: detects that two threads use one object at the same time.
#pragma once

#include <atomic>
#include <string>

#include <typenet/core/error.hpp>

namespace typenet::detail {

/// True while a thread uses the object that the flag is a member of. A copy of the object is another object, which nobody uses yet.
class use_flag {
 public:
  use_flag() = default;
  use_flag(const use_flag& /*other*/) noexcept {}
  use_flag& operator=(const use_flag& /*other*/) noexcept { return *this; }
  ~use_flag() = default;

 private:
  friend class sole_use;
  std::atomic<bool> used_{false};
};

/// Marks an object as used, from construction to destruction.
class sole_use {
 public:
  /// @param what the function that uses the object
  /// @param advice what to do instead
  /// @throws usage_error if another thread uses the object
  sole_use(use_flag& flag, const char* what, const char* advice) : flag_{flag} {
    if (flag.used_.exchange(true, std::memory_order_acquire))
      throw usage_error(std::string{what} + ": another thread is in the same call on this object; " + advice);
  }
  sole_use(const sole_use&) = delete;
  sole_use& operator=(const sole_use&) = delete;
  ~sole_use() { flag_.used_.store(false, std::memory_order_release); }

 private:
  use_flag& flag_;
};

}  // namespace typenet::detail
