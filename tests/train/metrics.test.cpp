// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <typenet/train/metrics.hpp>
#include <vector>

namespace tn = typenet;
using doctest::Approx;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Returns a report of seven samples of four classes. Class 3 is neither a label nor a prediction.
tn::report small_report() {
  tn::metrics_accumulator metrics{4, true};
  const auto add = [&](int truth, std::array<double, 4> scores, double loss) { metrics.add(scores, truth, loss); };
  add(0, {0.9, 0.1, 0.2, 0.0}, 0.5);
  add(0, {0.9, 0.1, 0.2, 0.0}, 0.5);
  add(0, {0.2, 0.7, 0.1, 0.0}, 1.0);  // predicted 1; the true class has rank 1
  add(1, {0.2, 0.7, 0.1, 0.0}, 0.5);
  add(1, {0.3, 0.2, 0.7, 0.0}, 1.5);  // predicted 2; the true class has rank 2
  add(2, {0.3, 0.2, 0.7, 0.0}, 0.5);
  add(2, {0.6, 0.3, 0.1, 0.2}, 2.5);  // predicted 0; the true class has rank 3
  return metrics.result();
}

}  // namespace

TEST_CASE("a report counts and averages") {
  const tn::report r = small_report();
  CHECK(r.count == 7);
  CHECK(r.misclassified == 3);
  CHECK(r.accuracy == Approx(4.0 / 7));
  CHECK(r.loss == Approx(1.0));
  CHECK(r.predicted == std::vector<int>{0, 0, 1, 1, 2, 2, 0});
  CHECK(r.ranks == std::vector<tn::index>{4, 1, 1, 1});
  CHECK(r.top_k(1) == r.accuracy);
  CHECK(r.top_k(2) == Approx(5.0 / 7));
  CHECK(r.top_k(3) == Approx(6.0 / 7));
  CHECK(r.top_k(4) == 1);
  CHECK(r.top_k(1000) == 1);
  CHECK_THROWS_WITH_AS(static_cast<void>(r.top_k(0)), "top_k: k must be at least 1, got 0", tn::argument_error);
}

TEST_CASE("the confusion matrix has true classes in rows") {
  const tn::report r = small_report();
  const int expected[4][4] = {{2, 1, 0, 0}, {0, 1, 1, 0}, {1, 0, 1, 0}, {0, 0, 0, 0}};
  for (int t = 0; t < 4; ++t)
    for (int p = 0; p < 4; ++p) CHECK(r.confusion(t, p) == expected[t][p]);
  CHECK(r.confusion.row_sum(0) == 3);
  CHECK(r.confusion.column_sum(1) == 2);
}

TEST_CASE("precision, recall and F1 are 0 where nothing can be divided") {
  const tn::report r = small_report();
  CHECK(r.classes.at(0).precision == Approx(2.0 / 3));
  CHECK(r.classes.at(0).recall == Approx(2.0 / 3));
  CHECK(r.classes.at(0).f1 == Approx(2.0 / 3));
  CHECK(r.classes.at(0).support == 3);
  CHECK(r.classes.at(1).precision == Approx(0.5));
  CHECK(r.classes.at(2).recall == Approx(0.5));
  CHECK(r.classes.at(3).precision == 0);
  CHECK(r.classes.at(3).recall == 0);
  CHECK(r.classes.at(3).f1 == 0);
  CHECK(r.classes.at(3).support == 0);
  CHECK(r.macro.f1 == Approx((2.0 / 3 + 0.5 + 0.5) / 4));
  CHECK(r.weighted.f1 == Approx((3 * 2.0 / 3 + 2 * 0.5 + 2 * 0.5) / 7));
  CHECK(r.weighted.recall == Approx(r.accuracy));
}

TEST_CASE("F1 is the harmonic mean of precision and recall") {
  tn::metrics_accumulator metrics{2};
  const auto add = [&](int truth, int predicted, int times) {
    std::array<float, 2> scores{};
    scores[static_cast<std::size_t>(predicted)] = 1;
    for (int i = 0; i < times; ++i) metrics.add(scores, truth);
  };
  add(0, 0, 30);
  add(0, 1, 10);
  add(1, 0, 20);
  add(1, 1, 40);
  const tn::report r = metrics.result();
  CHECK(r.classes.at(0).precision == Approx(0.6));
  CHECK(r.classes.at(0).recall == Approx(0.75));
  CHECK(r.classes.at(0).f1 == Approx(2 * 0.6 * 0.75 / (0.6 + 0.75)));
  CHECK(std::isnan(r.loss));
}

TEST_CASE("of equal scores the lowest class wins, and NaN never does") {
  const auto predicted = [](std::array<double, 3> scores) {
    tn::metrics_accumulator metrics{3, true};
    // For each true class: rank 0 means recognized, and the ranks of all classes are 0 to 2.
    std::vector<int> best;
    for (int label = 0; label < 3; ++label) {
      metrics.add(scores, label);
      best.push_back(metrics.result().predicted.back());
    }
    const tn::report r = metrics.result();
    CHECK(r.ranks == std::vector<tn::index>{1, 1, 1});
    CHECK(r.confusion(best[0], best[0]) == 1);
    return best[0];
  };
  CHECK(predicted({1, 1, 1}) == 0);
  CHECK(predicted({0, 2, 2}) == 1);
  CHECK(predicted({not_a_number, 2, 2}) == 1);
  CHECK(predicted({not_a_number, not_a_number, -5}) == 2);
  CHECK(predicted({not_a_number, not_a_number, not_a_number}) == 0);
  CHECK(predicted({-std::numeric_limits<double>::infinity(), not_a_number, std::numeric_limits<double>::infinity()}) == 2);
}

TEST_CASE("of penalties the lowest wins, the first of equals, and NaN never does") {
  const auto report_of = [](std::array<double, 3> penalties, int label) {
    tn::metrics_accumulator metrics{3, true, tn::best_score::lowest};
    metrics.add(penalties, label);
    return metrics.result();
  };
  CHECK(report_of({3, 1, 2}, 0).predicted == std::vector<int>{1});
  CHECK(report_of({3, 1, 2}, 0).ranks == std::vector<tn::index>{0, 0, 1});
  CHECK(report_of({3, 1, 2}, 1).accuracy == 1);
  CHECK(report_of({3, 1, 2}, 2).top_k(2) == 1);
  CHECK(report_of({2, 1, 1}, 2).ranks == std::vector<tn::index>{0, 1, 0});
  CHECK(report_of({not_a_number, 7, not_a_number}, 1).accuracy == 1);
  CHECK(report_of({std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), 0}, 1).accuracy == 1);
}

TEST_CASE("a class by its outputs") {
  CHECK(tn::predicted_class(std::array<float, 4>{1, 5, 5, 2}) == 1);
  CHECK(tn::predicted_class(std::array<double, 4>{1, 5, 1, 2}, tn::best_score::lowest) == 0);
  CHECK(tn::predicted_class(std::array<double, 3>{not_a_number, 4, 3}, tn::best_score::lowest) == 2);
  CHECK_THROWS_WITH_AS(static_cast<void>(tn::predicted_class(std::span<const float>{})), "predicted_class: there must be at least 1 output",
                       tn::argument_error);
}

TEST_CASE("no samples make an empty report") {
  const tn::report r = tn::metrics_accumulator{3}.result();
  CHECK(r.count == 0);
  CHECK(r.accuracy == 0);
  CHECK(r.top_k(1) == 0);
  CHECK(std::isnan(r.loss));
  CHECK_FALSE(tn::to_string(r).empty());
}

TEST_CASE("what does not fit is refused and not counted") {
  CHECK_THROWS_WITH_AS(tn::metrics_accumulator{0}, "metrics_accumulator: there must be at least 1 class, got 0", tn::argument_error);
  tn::metrics_accumulator metrics{3};
  CHECK_THROWS_WITH_AS(metrics.add(std::array<float, 3>{}, 3), "metrics_accumulator: label 3 is not one of the classes 0 to 2",
                       tn::argument_error);
  CHECK_THROWS_WITH_AS(metrics.add(std::array<float, 3>{}, -1), "metrics_accumulator: label -1 is not one of the classes 0 to 2",
                       tn::argument_error);
  CHECK_THROWS_WITH_AS(metrics.add(std::array<double, 2>{}, 0), "metrics_accumulator: expected a score for each of 3 classes, got 2",
                       tn::argument_error);
  CHECK(metrics.count() == 0);
}

TEST_CASE("a report reads well") {
  const std::array<std::string_view, 4> names{"cat", "dog", "emu", "fée"};
  CHECK(tn::to_string(small_report(), names) == R"(loss           1.000000
accuracy       57.14 %  (4 of 7)
misclassified  3
top-k          2: 71.43 %, 3: 85.71 %

class          precision   recall       F1  samples
cat               0.6667   0.6667   0.6667        3
dog               0.5000   0.5000   0.5000        2
emu               0.5000   0.5000   0.5000        2
fée               0.0000   0.0000   0.0000        0
mean              0.4167   0.4167   0.4167        7
weighted mean     0.5714   0.5714   0.5714        7

true (row) taken for (column)
    cat dog emu fée
cat   2   1   .   .
dog   .   1   1   .
emu   1   .   1   .
fée   .   .   .   .
)");
}

TEST_CASE("long names number the matrix, and too many classes have none") {
  const std::array<std::string_view, 4> names{"T-shirt/top", "Trouser", "Pullover", "Dress"};
  const std::string text = tn::to_string(small_report(), names);
  CHECK(text.find("\n              0 1 2 3\n0 T-shirt/top 2 1 . .\n1 Trouser     . 1 1 .\n") != std::string::npos);
  CHECK_THROWS_WITH_AS(static_cast<void>(tn::to_string(small_report(), std::array<std::string_view, 2>{"a", "b"})),
                       "to_string: expected a name for each of 4 classes, got 2", tn::argument_error);
  CHECK(tn::to_string(tn::metrics_accumulator{21}.result()).find("taken for") == std::string::npos);
}
