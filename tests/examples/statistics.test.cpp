// SPDX-License-Identifier: MIT
// Compares the statistics of the results tables with exact sums of binomial terms and with textbook values.
#include <doctest/doctest.h>

#if __has_include(<boost/math/distributions/binomial.hpp>)

#include "../../examples/lenet5/statistics.hpp"

using namespace lenet5;

TEST_CASE("Clopper and Pearson's interval") {
  const auto check = [](typenet::index misses, typenet::index count, double lower, double upper) {
    const interval i = clopper_pearson(misses, count);
    CHECK(i.lower == doctest::Approx(lower).epsilon(1e-9));
    CHECK(i.upper == doctest::Approx(upper).epsilon(1e-9));
  };
  check(104, 10'000, 0.008505237006872581, 0.012587445847385269);
  check(66, 10'000, 0.005108009046196429, 0.008389266971379521);
  check(3, 10, 0.06673951117773483, 0.6524528500599971);
  check(0, 20, 0, 0.1684334709830853);
  check(20, 20, 1 - 0.1684334709830853, 1);
  CHECK_THROWS_AS(clopper_pearson(11, 10), typenet::argument_error);
  CHECK_THROWS_AS(clopper_pearson(0, 0), typenet::argument_error);
}

TEST_CASE("McNemar's exact test") {
  CHECK(mcnemar_exact(10, 25) == doctest::Approx(0.01667384780012071).epsilon(1e-12));
  CHECK(mcnemar_exact(25, 10) == mcnemar_exact(10, 25));
  CHECK(mcnemar_exact(1, 8) == doctest::Approx(0.0390625).epsilon(1e-12));
  CHECK(mcnemar_exact(0, 6) == doctest::Approx(0.03125).epsilon(1e-12));
  CHECK(mcnemar_exact(5, 5) == 1);
  CHECK(mcnemar_exact(0, 0) == 1);
}

TEST_CASE("mean, median and standard deviation") {
  CHECK(median({9, 2, 4}) == 4);
  CHECK(median({9, 2, 4, 5}) == 4.5);
  CHECK(mean({2, 4, 9}) == 5);
  CHECK(standard_deviation({2, 4, 9}) == doctest::Approx(std::sqrt(13.0)));
  CHECK(standard_deviation({3}) == 0);
}

#endif
