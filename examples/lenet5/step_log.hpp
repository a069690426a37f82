// SPDX-License-Identifier: MIT
// The log of a training: how the loss and the size of the weights change.
#pragma once

#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ios>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/train/report.hpp>

#include "outputs.hpp"
#include "settings.hpp"

namespace lenet5 {

/// Writes the progress of training as CSV: the mean loss since the previous line, and the root mean square of all parameters. A log that
/// cannot be written does not end the training; `finish` reports it.
template <class Model>
class step_log {
 public:
  /// @param past the steps before a checkpoint
  /// @throws typenet::file_error if the file cannot be written
  step_log(const settings& s, const Model& model, const typenet::training_progress& past)
      : model_{&model}, file_{s.log}, next_{(past.updates / every + 1) * every}, samples_{past.position}, sum_{past.loss_sum} {
    if (file_.empty()) return;
    const bool has_title = continue_log(s, title, past.updates);
    errno = 0;
    out_.open(file_, std::ios::app);
    if (!has_title) out_ << title << '\n';
    out_.flush();
    note_failure();
    finish();
  }
  void step(const typenet::step_report& r, typenet::index update) {
    if (!out_.is_open()) return;
    const double sum = r.loss * static_cast<double>(r.samples);
    if (r.samples <= samples_) sum_ = 0, samples_ = 0;  // a new epoch has begun
    loss_ += sum - sum_;
    count_ += r.samples - samples_;
    sum_ = sum;
    samples_ = r.samples;
    if (update < next_) return;
    std::vector<typename Model::scalar> parameters(static_cast<std::size_t>(model_->parameter_array().size()));
    model_->parameter_array().copy_to(parameters);
    double squares = 0;
    for (const auto p : parameters) squares += static_cast<double>(p) * static_cast<double>(p);
    errno = 0;
    out_ << update << ',' << loss_ / static_cast<double>(count_) << ','
         << std::sqrt(squares / static_cast<double>(Model::network::parameter_count)) << std::endl;
    note_failure();
    if (!failure_.empty())
      std::fprintf(stderr, "lenet5: warning: %s: the log ends here, and training goes on: %s\n", file_.c_str(), failure_.c_str());
    next_ = update + every;
    loss_ = 0;
    count_ = 0;
  }
  /// @throws typenet::file_error if a line could not be written
  void finish() const {
    if (!failure_.empty()) throw typenet::file_error(file_.string() + ": the log cannot be written: " + failure_);
  }

 private:
  static constexpr typenet::index every = 50;
  static constexpr std::string_view title = "step,loss,parameter_rms";

  /// Ends the log if its last line could not be written.
  void note_failure() {
    if (out_) return;
    failure_ = errno != 0 ? std::strerror(errno) : "unknown error";
    out_.close();
  }

  const Model* model_;
  std::filesystem::path file_;
  std::ofstream out_;
  std::string failure_;  ///< why the log ended early
  typenet::index next_, samples_, count_ = 0;
  double sum_, loss_ = 0;
};

}  // namespace lenet5
