// SPDX-License-Identifier: MIT
// Detects losses and weights that are infinite or not a number. Such a training has diverged and does not recover.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

#include <typenet/core/error.hpp>
#include <typenet/train/report.hpp>

namespace lenet5 {

/// The name of the first parameter or buffer with a number that is not finite; empty where all numbers are finite.
template <class Model>
std::string_view first_not_finite(const Model& model) {
  const auto finite = [](const auto& values) {
    return std::all_of(values.begin(), values.end(), [](auto value) { return std::isfinite(value); });
  };
  for (const auto& info : Model::network::parameters)
    if (!finite(model.parameter(info.name.view()))) return info.name.view();
  for (const auto& info : Model::network::buffers)
    if (!finite(model.buffer(info.name.view()))) return info.name.view();
  return {};
}

/// Ends a training that diverges, unless that is allowed.
class divergence_check {
 public:
  /// @param allowed true: nothing is checked
  explicit divergence_check(bool allowed) : allowed_{allowed} {}

  /// @throws typenet::error if the loss is not finite
  void check(const typenet::step_report& r) const {
    if (allowed_ || std::isfinite(r.loss)) return;
    fail(r.epoch, "the loss is " + std::string{std::isnan(r.loss) ? "not a number" : "infinite"} + " after " + std::to_string(r.samples) +
                      " of " + std::to_string(r.total) + " samples");
  }
  /// @throws typenet::error if a parameter or a buffer is not finite
  template <class Model>
  void check(const Model& model, int epoch) const {
    if (allowed_) return;
    if (const std::string_view name = first_not_finite(model); !name.empty())
      fail(epoch, "'" + std::string{name} + "' holds numbers that are not finite");
  }

 private:
  [[noreturn]] void fail(int epoch, const std::string& what) const {
    throw typenet::error("training diverged: in epoch " + std::to_string(epoch) + " " + what +
                         "; checkpoints stay as they were before. A lower learning rate helps in most cases; `train --allow-non-finite` "
                         "goes on regardless");
  }
  bool allowed_;
};

/// Warns on stderr if a model that was read from a file holds numbers that are not finite.
template <class Model>
void warn_of_non_finite(const std::filesystem::path& file, const Model& model) {
  if (const std::string_view name = first_not_finite(model); !name.empty())
    std::fprintf(stderr, "lenet5: warning: %s: '%s' holds numbers that are not finite, so its answers mean nothing\n", file.c_str(),
                 std::string{name}.c_str());
}

}  // namespace lenet5
