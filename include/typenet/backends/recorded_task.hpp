// SPDX-License-Identifier: MIT
/// @file
/// recorded_task: the task that a device recorded, and when the recording may be replayed.
#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <type_traits>
#include <vector>

#include <typenet/backends/batch_state.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/same_value.hpp>

namespace typenet::detail {

/// The task that a device has recorded, with all that the recording holds: addresses, sizes, and numbers that kernels were given.
/// A recording may stand for a task only where all of it is equal.
class recorded_task {
 public:
  /// Runs a task `times` times, by a recording where it can.
  ///
  /// The first time runs the task without recording it: a device loads kernels when they first run, which it may not do while it records.
  /// The second time records it.
  /// @param run runs the task once
  /// @param record records the task; replaces an earlier recording
  /// @param replay runs the recorded task once
  template <class Task, class Run, class Record, class Replay>
  void repeat(const batch_state& state, const Task& task, index times, const Run& run, const Record& record, const Replay& replay) {
    if (times < 1) return;
    if (!is(state, task)) {
      forget();
      run();
      remember(state, task);
      --times;
    }
    if (times > 0 && !recorded_) {
      record();
      recorded_ = true;
    }
    for (index t = 0; t < times; ++t) replay();
  }

 private:
  /// The identity of a type is the address of its tag. It is not constant: a linker may merge equal constants.
  template <class Task>
  inline static char tag = 0;

  template <class Task>
  [[nodiscard]] bool is(const batch_state& state, const Task& task) const {
    return type_ == &tag<Task> && *state_ == state && same_value(*reinterpret_cast<const Task*>(task_.data()), task);
  }
  template <class Task>
  void remember(const batch_state& state, const Task& task) {
    static_assert(std::is_trivially_copyable_v<Task> && alignof(Task) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    task_.resize(sizeof(Task));
    std::memcpy(task_.data(), &task, sizeof(Task));
    state_ = state;
    type_ = &tag<Task>;
  }
  void forget() {
    type_ = nullptr;
    recorded_ = false;
  }

  const char* type_ = nullptr;   // null: no task
  std::vector<std::byte> task_;  // the bytes of the task
  std::optional<batch_state> state_;
  bool recorded_ = false;
};

}  // namespace typenet::detail
