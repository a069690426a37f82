// SPDX-License-Identifier: MIT
/// @file
/// The metrics of a classifier: accuracy, top-k accuracy, confusion matrix, and precision, recall and F1 of each class.
#pragma once

#include <algorithm>
#include <array>
#include <clocale>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/kernels/score.hpp>

namespace typenet {

/// The number of samples of each true class (row) that were predicted as each class (column).
class confusion_matrix {
 public:
  confusion_matrix() = default;
  explicit confusion_matrix(int classes) : classes_{classes}, counts_(static_cast<std::size_t>(index{classes} * classes)) {}

  [[nodiscard]] int classes() const { return classes_; }
  [[nodiscard]] index operator()(int truth, int predicted) const { return counts_[at(truth, predicted)]; }
  [[nodiscard]] index& operator()(int truth, int predicted) { return counts_[at(truth, predicted)]; }
  /// Samples whose true class is `truth`.
  [[nodiscard]] index row_sum(int truth) const {
    index sum = 0;
    for (int c = 0; c < classes_; ++c) sum += (*this)(truth, c);
    return sum;
  }
  /// Samples predicted as a class.
  [[nodiscard]] index column_sum(int predicted) const {
    index sum = 0;
    for (int c = 0; c < classes_; ++c) sum += (*this)(c, predicted);
    return sum;
  }
  friend bool operator==(const confusion_matrix&, const confusion_matrix&) = default;

 private:
  [[nodiscard]] std::size_t at(int truth, int predicted) const { return static_cast<std::size_t>(index{truth} * classes_ + predicted); }

  int classes_ = 0;
  std::vector<index> counts_;  ///< `[true class][predicted class]`
};

/// Precision, recall and their harmonic mean. Each is 0 where its denominator is 0.
struct precision_recall {
  double precision = 0;  ///< fraction of the samples predicted as the class that belong to it
  double recall = 0;     ///< fraction of the samples of the class that are predicted as it
  double f1 = 0;
};

/// Precision, recall and F1 of one class, and its number of samples.
struct class_report : precision_recall {
  index support = 0;
};

/// The result of an evaluation.
struct report {
  double loss = std::numeric_limits<double>::quiet_NaN();  ///< mean over the samples; NaN where none was computed
  double accuracy = 0;                                     ///< fraction classified correctly
  index count = 0;                                         ///< samples
  index misclassified = 0;
  confusion_matrix confusion;
  std::vector<class_report> classes;
  precision_recall macro;      ///< mean over all classes
  precision_recall weighted;   ///< mean over the classes, each weighted by its samples
  std::vector<index> ranks;    ///< ranks[r]: number of samples with r classes of better scores than their own class
  std::vector<int> predicted;  ///< `[sample]`: the predicted class; empty unless the accumulator keeps predictions

  /// The fraction of samples whose class is among the `k` of the best scores.
  /// @throws argument_error if k is not positive
  [[nodiscard]] double top_k(int k) const {
    if (k < 1) throw argument_error("top_k: k must be at least 1, got " + std::to_string(k));
    index correct = 0;
    for (std::size_t r = 0; r < ranks.size() && r < static_cast<std::size_t>(k); ++r) correct += ranks[r];
    return count == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(count);
  }
};

/// The result of one sample.
struct sample_score {
  int predicted = 0;  ///< the class of the best score
  int rank = 0;       ///< number of classes with better scores than its own class
  double loss = std::numeric_limits<double>::quiet_NaN();
};

namespace detail {

/// The score of one sample: a plain number is a pack of one lane.
template <class Scalar>
score<Scalar> score_of_one(std::span<const Scalar> outputs, Scalar label, best_score best) {
  const int classes = static_cast<int>(outputs.size());
  return best == best_score::lowest ? score_of<Scalar, 1, best_score::lowest>(outputs.data(), classes, label)
                                    : score_of<Scalar, 1>(outputs.data(), classes, label);
}

template <class Scalar>
int predicted_class(std::span<const Scalar> outputs, best_score best) {
  if (outputs.empty()) throw argument_error("predicted_class: there must be at least 1 output");
  return static_cast<int>(score_of_one(outputs, Scalar{0}, best).predicted);
}

}  // namespace detail

/// The class of the best output of one sample; the lowest class where several tie.
/// @param outputs `[class]`
/// @param best which output is the best: `network::best_output`
/// @throws argument_error if there are no outputs
[[nodiscard]] inline int predicted_class(std::span<const float> outputs, best_score best = best_score::highest) {
  return detail::predicted_class(outputs, best);
}
[[nodiscard]] inline int predicted_class(std::span<const double> outputs, best_score best = best_score::highest) {
  return detail::predicted_class(outputs, best);
}

/// Collects the scores of one sample after another. It allocates in its constructor, and where it keeps predictions.
///
/// The predicted class is the class of the best score, the lowest where several tie. NaN counts as worse than any number.
class metrics_accumulator {
 public:
  /// @param keep_predictions true: the report lists the predicted class of every sample
  /// @param best which score is the best: the lowest where they are penalties (`network::best_output` says)
  /// @throws argument_error if there is no class
  explicit metrics_accumulator(int classes, bool keep_predictions = false, best_score best = best_score::highest)
      : confusion_{checked(classes)}, ranks_(static_cast<std::size_t>(classes)), keep_predictions_{keep_predictions}, best_{best} {}

  /// Adds a sample.
  /// @param scores `[class]`
  /// @param loss the loss of this sample; NaN: the report has none
  /// @throws argument_error if the scores are not as many as the classes, or the label is none of them
  void add(std::span<const float> scores, int label, double loss = std::numeric_limits<double>::quiet_NaN()) {
    add_sample(scores, label, loss);
  }
  void add(std::span<const double> scores, int label, double loss = std::numeric_limits<double>::quiet_NaN()) {
    add_sample(scores, label, loss);
  }

  /// Adds a sample whose score is known.
  /// @throws argument_error if the label, the prediction or the rank is out of range
  void add(int label, const sample_score& score) {
    const auto check = [this](const char* what, int value) {
      if (value < 0 || value >= classes())
        throw argument_error(std::string{"metrics_accumulator: "} + what + " " + std::to_string(value) +
                             " is not one of the classes 0 to " + std::to_string(classes() - 1));
    };
    check("label", label);
    check("prediction", score.predicted);
    check("rank", score.rank);
    ++confusion_(label, score.predicted);
    ++ranks_[static_cast<std::size_t>(score.rank)];
    ++count_;
    loss_sum_ += score.loss;
    if (keep_predictions_) predicted_.push_back(score.predicted);
  }

  [[nodiscard]] int classes() const { return confusion_.classes(); }
  [[nodiscard]] index count() const { return count_; }

  /// The report on all samples so far.
  [[nodiscard]] report result() const {
    report r;
    r.count = count_;
    r.misclassified = count_ - ranks_[0];
    r.confusion = confusion_;
    r.ranks = ranks_;
    r.predicted = predicted_;
    if (count_ > 0) {
      r.accuracy = static_cast<double>(ranks_[0]) / static_cast<double>(count_);
      r.loss = loss_sum_ / static_cast<double>(count_);
    }
    for (int c = 0; c < classes(); ++c) {
      class_report of_class;
      of_class.support = confusion_.row_sum(c);
      const index right = confusion_(c, c), taken = confusion_.column_sum(c);
      of_class.precision = ratio(right, taken);
      of_class.recall = ratio(right, of_class.support);
      of_class.f1 = ratio(2 * right, of_class.support + taken);
      add_scaled(r.macro, of_class, 1.0 / classes());
      add_scaled(r.weighted, of_class, ratio(of_class.support, count_));
      r.classes.push_back(of_class);
    }
    return r;
  }

 private:
  static int checked(int classes) {
    if (classes < 1) throw argument_error("metrics_accumulator: there must be at least 1 class, got " + std::to_string(classes));
    return classes;
  }
  static double ratio(index part, index whole) { return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole); }
  static void add_scaled(precision_recall& sum, const precision_recall& x, double factor) {
    sum.precision += factor * x.precision;
    sum.recall += factor * x.recall;
    sum.f1 += factor * x.f1;
  }

  template <class Scalar>
  void add_sample(std::span<const Scalar> scores, int label, double loss) {
    if (scores.size() != ranks_.size())
      throw argument_error("metrics_accumulator: expected a score for each of " + std::to_string(classes()) + " classes, got " +
                           std::to_string(scores.size()));
    const auto s = detail::score_of_one(scores, static_cast<Scalar>(label), best_);
    add(label, {.predicted = static_cast<int>(s.predicted), .rank = std::min(static_cast<int>(s.rank), classes() - 1), .loss = loss});
  }

  confusion_matrix confusion_;
  std::vector<index> ranks_;
  std::vector<int> predicted_;
  index count_ = 0;
  double loss_sum_ = 0;
  bool keep_predictions_ = false;
  best_score best_ = best_score::highest;
};

namespace detail {

/// A number with a fixed count of decimals and a decimal point in every locale. Numbers of more than 64 characters are written in
/// scientific notation, with the fewest digits that give the number back.
inline std::string fixed(double value, int decimals) {
  // std::to_chars for floating-point numbers is missing in libc++ 14.
  constexpr std::size_t longest = 64;
  std::array<char, longest + 1> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), "%.*f", decimals, value);
  if (length < 0 || static_cast<std::size_t>(length) > longest) {
    for (int digits = 0; digits < std::numeric_limits<double>::max_digits10; ++digits) {
      std::snprintf(buffer.data(), buffer.size(), "%.*e", digits, value);
      if (std::strtod(buffer.data(), nullptr) == value) break;
    }
  }
  std::string text{buffer.data()};
  const std::string_view point = std::localeconv()->decimal_point;
  const std::size_t at = text.find(point);
  if (point == "." || at == std::string::npos) return text;
  std::string plain = text.substr(0, at);
  plain += '.';
  plain.append(text, at + point.size());
  return plain;
}

/// The number of characters of a UTF-8 text.
inline std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

inline std::string pad_left(const std::string& text, std::size_t width) {
  const std::size_t length = characters(text);
  return length < width ? std::string(width - length, ' ') + text : text;
}
inline std::string pad_right(const std::string& text, std::size_t width) {
  const std::size_t length = characters(text);
  return length < width ? text + std::string(width - length, ' ') : text;
}

}  // namespace detail

/// A report as text: its totals, a line for each class, and the confusion matrix of up to 20 classes.
/// @param class_names `[class]`: the names; empty: classes are numbers
/// @throws argument_error if there are names, but not as many as classes
[[nodiscard]] inline std::string to_string(const report& r, std::span<const std::string_view> class_names = {}) {
  using detail::fixed, detail::pad_left, detail::pad_right;
  const std::size_t classes = r.classes.size();
  if (!class_names.empty() && class_names.size() != classes)
    throw argument_error("to_string: expected a name for each of " + std::to_string(classes) + " classes, got " +
                         std::to_string(class_names.size()));
  std::vector<std::string> names;
  std::size_t name_width = std::string_view{"weighted mean"}.size();
  for (std::size_t c = 0; c < classes; ++c) {
    names.push_back(class_names.empty() ? std::to_string(c) : std::string{class_names[c]});
    name_width = std::max(name_width, detail::characters(names.back()));
  }

  std::string text;
  const auto line = [&](const char* name, const std::string& value) { text += pad_right(name, name_width) + "  " + value + "\n"; };
  if (!std::isnan(r.loss)) line("loss", fixed(r.loss, 6));
  line("accuracy",
       fixed(100 * r.accuracy, 2) + " %  (" + std::to_string(r.count - r.misclassified) + " of " + std::to_string(r.count) + ")");
  line("misclassified", std::to_string(r.misclassified));
  std::string top;
  for (int k = 2; k <= 5 && static_cast<std::size_t>(k) < classes; ++k)
    top += (top.empty() ? "" : ", ") + std::to_string(k) + ": " + fixed(100 * r.top_k(k), 2) + " %";
  if (!top.empty()) line("top-k", top);

  const auto row = [&](const std::string& name, const std::string& a, const std::string& b, const std::string& c, const std::string& d) {
    text += pad_right(name, name_width) + pad_left(a, 11) + pad_left(b, 9) + pad_left(c, 9) + pad_left(d, 9) + "\n";
  };
  const auto scores = [&](const std::string& name, const precision_recall& x, index support) {
    row(name, fixed(x.precision, 4), fixed(x.recall, 4), fixed(x.f1, 4), std::to_string(support));
  };
  text += "\n";
  row("class", "precision", "recall", "F1", "samples");
  for (std::size_t c = 0; c < classes; ++c) scores(names[c], r.classes[c], r.classes[c].support);
  scores("mean", r.macro, r.count);
  scores("weighted mean", r.weighted, r.count);

  if (classes <= 20 && r.confusion.classes() == static_cast<int>(classes)) {
    // Columns have numbers where long names would make the matrix wider than a screen.
    const bool numbered = std::any_of(names.begin(), names.end(), [](const std::string& n) { return detail::characters(n) > 5; });
    std::vector<std::string> rows;
    std::size_t row_width = 0, column_width = 0;
    for (std::size_t t = 0; t < classes; ++t) {
      rows.push_back(numbered ? std::to_string(t) + " " + names[t] : names[t]);
      if (numbered) names[t] = std::to_string(t);
      row_width = std::max(row_width, detail::characters(rows[t]));
      column_width = std::max(column_width, detail::characters(names[t]));
      for (std::size_t p = 0; p < classes; ++p)
        column_width = std::max(column_width, std::to_string(r.confusion(static_cast<int>(t), static_cast<int>(p))).size());
    }
    text += "\ntrue (row) taken for (column)\n" + std::string(row_width, ' ');
    for (const std::string& name : names) text += pad_left(name, column_width + 1);
    text += "\n";
    for (std::size_t t = 0; t < classes; ++t) {
      text += pad_right(rows[t], row_width);
      for (std::size_t p = 0; p < classes; ++p) {
        const index n = r.confusion(static_cast<int>(t), static_cast<int>(p));
        text += pad_left(n == 0 ? "." : std::to_string(n), column_width + 1);
      }
      text += "\n";
    }
  }
  return text;
}

}  // namespace typenet
