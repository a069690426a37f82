// SPDX-License-Identifier: MIT
// Shows the progress of training: a progress bar on a terminal, one line per epoch in a log.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include <typenet/train/trainer.hpp>

namespace lenet5 {

/// Prints the progress of one training to stdout.
class progress_display {
 public:
  /// @param label name of the run, printed before each line; a display with a label prints no line per epoch
  explicit progress_display(int epochs, std::string label = {})
      : epochs_{epochs}, label_{std::move(label)}, terminal_{isatty(STDOUT_FILENO) == 1} {}

  void step(const typenet::step_report& r) {
    if (!terminal_) return;
    const auto now = std::chrono::steady_clock::now();
    const double done = r.epoch - 1 + static_cast<double>(r.samples) / static_cast<double>(r.total);
    if (first_ < 0) {
      first_ = done;
      start_ = now;
    }
    if (now - shown_ < std::chrono::milliseconds{100}) return;
    shown_ = now;
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double left = done > first_ ? seconds * (epochs_ - done) / (done - first_) : 0;
    constexpr int width = 30;
    const int filled = static_cast<int>(width * static_cast<double>(r.samples) / static_cast<double>(r.total));
    std::printf("\r%sepoch %d/%d [%s%s] loss %.5f, %d:%02d left \033[K", label_.c_str(), r.epoch, epochs_,
                std::string(static_cast<std::size_t>(filled), '=').c_str(),
                std::string(static_cast<std::size_t>(width - filled), ' ').c_str(), r.loss, static_cast<int>(left) / 60,
                static_cast<int>(left) % 60);
    std::fflush(stdout);
  }
  void epoch(const typenet::epoch_report& r) {
    if (!label_.empty()) return;
    std::printf("%sepoch %d/%d: loss %.5f, training accuracy %.2f %%, %.1f s, %.0f samples/s\n", terminal_ ? "\r\033[K" : "", r.epoch,
                epochs_, r.loss, 100 * r.accuracy, r.seconds, r.samples_per_second);
    std::fflush(stdout);
  }
  void finish() const {
    if (terminal_) std::printf("\r\033[K");
  }

 private:
  int epochs_;
  std::string label_;
  bool terminal_;
  double first_ = -1;
  std::chrono::steady_clock::time_point start_, shown_;
};

}  // namespace lenet5
