// SPDX-License-Identifier: MIT
// Signals that stop a training: it saves its state, and the program ends with the status 128 + the signal's number.
#pragma once

#include <array>
#include <csignal>
#include <cstddef>

#include <typenet/train/options.hpp>

namespace lenet5 {

/// The signal that has arrived; 0: none.
inline volatile std::sig_atomic_t interruption = 0;

/// Notes signals in `interruption` as long as it lives, instead of ending the program.
class interruptible {
 public:
  interruptible() {
    for (std::size_t i = 0; i < signals.size(); ++i) {
      earlier_[i] = std::signal(signals[i], [](int signal) { interruption = signal; });
      // `nohup` ignores hang-ups on purpose.
      if (earlier_[i] == SIG_IGN && signals[i] != SIGINT) std::signal(signals[i], SIG_IGN);
    }
  }
  interruptible(const interruptible&) = delete;
  interruptible& operator=(const interruptible&) = delete;
  ~interruptible() {
    for (std::size_t i = 0; i < signals.size(); ++i) std::signal(signals[i], earlier_[i]);
  }

  /// The answer of a training callback: `stop` after a signal, else `proceed`.
  [[nodiscard]] static typenet::control answer() { return interruption != 0 ? typenet::control::stop : typenet::control::proceed; }
  /// The exit status after a signal.
  [[nodiscard]] static int status() { return 128 + interruption; }

 private:
  /// Ctrl-C, `kill`, a terminal that closes, and a reader of the output that ends.
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGPIPE};
  std::array<void (*)(int), signals.size()> earlier_{};
};

}  // namespace lenet5
