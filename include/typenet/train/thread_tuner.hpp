// SPDX-License-Identifier: MIT
/// @file
/// thread_tuner: chooses the number of threads that runs a training step fastest.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

namespace typenet::detail {

/// Chooses among 1, 2, 4 … threads by the time of real steps. Each number is tried for `trial_steps` steps; the median of all but the first
/// few counts, because the first steps of a team warm its caches. A larger number is chosen only where it saves more than 3 %. Later it
/// goes on measuring, and tries all numbers again where steps have become slower: other programs start and end.
class thread_tuner {
 public:
  /// One thread, without trials.
  thread_tuner() = default;
  /// `threads` threads, without trials.
  static thread_tuner fixed(int threads) {
    thread_tuner tuner;
    tuner.threads_ = threads;
    return tuner;
  }
  /// Up to `most` threads, by trial.
  static thread_tuner by_trial(int most) {
    thread_tuner tuner;
    tuner.most_ = most;
    return tuner;
  }

  /// The number of threads for the next step.
  [[nodiscard]] int threads() const { return threads_; }

  /// Adds the time of one step on `threads()` threads.
  void add(std::chrono::steady_clock::duration time) {
    if (most_ == 1) return;
    trials_[trial_] = std::chrono::duration<double>(time).count();
    if (++trial_ < trials_.size()) return;
    trial_ = 0;
    constexpr std::ptrdiff_t warm_up = 4;
    const auto middle = trials_.begin() + warm_up + (trials_.end() - trials_.begin() - warm_up) / 2;
    std::nth_element(trials_.begin() + warm_up, middle, trials_.end());
    if (settled_)
      watch(*middle);
    else
      compare(*middle);
  }

 private:
  static constexpr std::size_t trial_steps = 19;

  /// Starts again where the chosen number was slower three times in a row, or after 500 rounds.
  void watch(double seconds) {
    slower_ = seconds > 1.3 * chosen_seconds_ ? slower_ + 1 : 0;
    if (slower_ < 3 && ++rounds_ < 500) return;
    settled_ = false;
    chosen_threads_ = 0;
    threads_ = 1;
  }
  void compare(double seconds) {
    if (chosen_threads_ == 0 || seconds < 0.97 * chosen_seconds_) {
      chosen_threads_ = threads_;
      chosen_seconds_ = seconds;
    }
    if (threads_ < most_) {
      threads_ = std::min(2 * threads_, most_);
    } else {
      threads_ = chosen_threads_;
      settled_ = true;
      slower_ = rounds_ = 0;
    }
  }

  int threads_ = 1;
  int most_ = 1;  ///< 1: no trials
  std::size_t trial_ = 0;
  std::array<double, trial_steps> trials_{};  ///< seconds
  int chosen_threads_ = 0;
  double chosen_seconds_ = 0;
  bool settled_ = false;  ///< true once a number is chosen
  int slower_ = 0;        ///< how often in a row the chosen number was slower than when it was chosen
  int rounds_ = 0;        ///< rounds of trials since it was chosen
};

}  // namespace typenet::detail
