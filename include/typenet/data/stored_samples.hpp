// SPDX-License-Identifier: MIT
/// @file
/// The parts that data sets held in memory share: the base of their views, and the checks of the arrays that they are given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/core/shape.hpp>

namespace typenet::detail {

/// The base of the views of data sets that own their samples: the labels, and the number of samples.
struct labeled_view {
  const int* labels;  ///< [sample]: the class of each sample
  index count;        ///< samples

  [[nodiscard]] TYPENET_HD index size() const { return count; }
  [[nodiscard]] TYPENET_HD int label(index i) const { return labels[i]; }
  [[nodiscard]] TYPENET_HD std::uint32_t key_of(index i) const { return static_cast<std::uint32_t>(i); }
};

/// The extents as text: "1x28x28", or "784" for a vector.
[[nodiscard]] inline std::string to_text(shape s) {
  std::string text = std::to_string(s.channels());
  for (int axis = 1; axis < s.rank; ++axis) text.append("x").append(std::to_string(s[axis]));
  return text;
}

/// Checks that every label is a class.
/// @tparam Error the exception thrown
/// @param who start of the message: a type, a function or a file
/// @param count samples
/// @param label_of returns the label of a sample
/// @throws Error if a label is below 0 or not below `classes`
template <class Error = argument_error, class LabelOf>
void check_labels(const std::string& who, index count, const LabelOf& label_of, int classes) {
  for (index i = 0; i < count; ++i) {
    const int label = static_cast<int>(label_of(i));
    if (label < 0 || label >= classes)
      throw Error{who + ": label " + std::to_string(label) + " of sample " + std::to_string(i) + " is not a class; expected 0 to " +
                  std::to_string(classes - 1)};
  }
}
/// Checks that every label is a class.
/// @param labels [sample]
template <class Error = argument_error, class Label>
void check_labels(const std::string& who, std::span<const Label> labels, int classes) {
  check_labels<Error>(who, static_cast<index>(labels.size()), [&](index i) { return labels[static_cast<std::size_t>(i)]; }, classes);
}
/// Checks that every label of a data set is a class.
template <class Data>
void check_labels_of(const std::string& who, const Data& data) {
  check_labels(who, data.size(), [&](index i) { return data.label(i); }, Data::classes);
}

/// Checks that there is one label for each sample.
/// @param who start of the message: a type
/// @param values numbers of all samples together
/// @throws argument_error if the counts disagree
inline void check_count(const std::string& who, shape sample, std::size_t values, std::size_t labels) {
  const auto size = static_cast<std::size_t>(sample.size());
  // Divides instead of multiplying: no count can overflow.
  if (values % size != 0 || values / size != labels)
    throw argument_error{who + ": " + std::to_string(labels) + " labels need as many samples of " + to_text(sample) + " = " +
                         std::to_string(size) + " values each, found " + std::to_string(values) + " values"};
}

}  // namespace typenet::detail
