// SPDX-License-Identifier: MIT
// Statistics of counts of misclassified images: confidence interval, significance test, median, standard deviation.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

#include <boost/math/distributions/binomial.hpp>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>

namespace lenet5 {

struct interval {
  double lower, upper;
};

/// The exact confidence interval of a proportion, from `misses` out of `count` observations (Clopper and Pearson 1934).
/// @throws typenet::argument_error unless 0 <= misses <= count and count > 0
inline interval clopper_pearson(typenet::index misses, typenet::index count, double confidence = 0.95) {
  if (count < 1 || misses < 0 || misses > count)
    throw typenet::argument_error("clopper_pearson: " + std::to_string(misses) + " of " + std::to_string(count) + " is not a share");
  using binomial = boost::math::binomial_distribution<double>;
  const double tail = (1 - confidence) / 2, n = static_cast<double>(count), k = static_cast<double>(misses);
  return {misses == 0 ? 0 : binomial::find_lower_bound_on_p(n, k, tail), misses == count ? 1 : binomial::find_upper_bound_on_p(n, k, tail)};
}

/// McNemar's exact test, two-sided. Considers the cases that exactly one of two classifiers got wrong.
/// @returns the probability that chance alone splits these cases at least as unevenly
inline double mcnemar_exact(typenet::index only_first, typenet::index only_second) {
  const typenet::index both = only_first + only_second;
  if (both == 0) return 1;
  const boost::math::binomial_distribution<double> chance{static_cast<double>(both), 0.5};
  return std::min(1.0, 2 * boost::math::cdf(chance, static_cast<double>(std::min(only_first, only_second))));
}

inline double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// The median: the middle value, or the mean of the two middle values.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// The standard deviation of a sample, with divisor size - 1; 0 for fewer than two values.
inline double standard_deviation(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double m = mean(values);
  double squares = 0;
  for (const double v : values) squares += (v - m) * (v - m);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

}  // namespace lenet5
