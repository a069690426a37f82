// SPDX-License-Identifier: MIT
// Checks the text of types and numbers. It is identical on every compiler.
#include <doctest/doctest.h>

#include <string>
#include <type_traits>

#include <typenet/core/type_name.hpp>

#include "networks.hpp"

namespace tn = typenet;

namespace mine {
template <tn::real Beta = 1.0>
struct softplus;
struct swish;
}  // namespace mine

namespace {

template <class T>
std::string text() {
  return std::string{tn::detail::type_text<T>().view()};
}
std::string decimal(double value) {
  const tn::real number{value};
  return std::string{tn::detail::sentence{}.add_decimal(number.digits, number.exponent).view()};
}

}  // namespace

TEST_CASE("layers read as they were written") {
  CHECK(text<tn::relu>() == "relu");
  CHECK(text<tn::conv2d<6, 5>>() == "conv2d<6, 5>");
  CHECK(text<tn::conv2d<6, tn::kernel<3, 5>, tn::padding<1>, tn::stride<2, 1>, tn::bias<false>>>() ==
        "conv2d<6, kernel<3, 5>, padding<1>, stride<2, 1>, bias<false>>");
  CHECK(text<tn::conv2d<8, 3, tn::dilation<2>, tn::groups<4>>>() == "conv2d<8, 3, dilation<2>, groups<4>>");
  CHECK(text<tn::conv2d<16, 5, tn::connections<networks::c3_table>>>() == "conv2d<16, 5, connections<table>>");
  CHECK(text<tn::conv2d<16, 5, tn::connections<networks::c3_table>, tn::padding<2>>>() == "conv2d<16, 5, connections<table>, padding<2>>");
  CHECK(text<tn::max_pool2d<2>>() == "max_pool2d<2>");
  CHECK(text<tn::max_pool2d<tn::kernel<2, 3>, tn::stride<1>>>() == "max_pool2d<kernel<2, 3>, stride<1>>");
  CHECK(text<tn::linear<10, tn::bias<false>>>() == "linear<10, bias<false>>");
  CHECK(text<tn::gaussian_rbf<10>>() == "gaussian_rbf<10>");
  CHECK(text<tn::euclidean_rbf<tn::lenet5_codes>>() == "euclidean_rbf<table>");
  CHECK(text<tn::trainable_subsample<2, tn::stride<1>>>() == "trainable_subsample<2, stride<1>>");
}

TEST_CASE("real numbers read as such, defaults are left out") {
  CHECK(text<tn::dropout<0.1>>() == "dropout<0.1>");
  CHECK(text<tn::dropout<0.25>>() == "dropout<0.25>");
  CHECK(text<tn::dropout<0.0>>() == "dropout<0>");
  CHECK(text<tn::batch_norm<>>() == "batch_norm<>");
  CHECK(text<tn::batch_norm<1e-5, 0.1>>() == "batch_norm<>");
  CHECK(text<tn::batch_norm<1e-3>>() == "batch_norm<0.001>");
  CHECK(text<tn::batch_norm<1e-5, 0.2>>() == "batch_norm<1e-5, 0.2>");
  CHECK(text<tn::group_norm<2>>() == "group_norm<2>");
  CHECK(text<tn::group_norm<2, 2.5e-6>>() == "group_norm<2, 2.5e-6>");
  CHECK(text<tn::leaky_relu<>>() == "leaky_relu<>");
  CHECK(text<tn::leaky_relu<0.2>>() == "leaky_relu<0.2>");
}

TEST_CASE("layers of another namespace keep it") {
  CHECK(text<mine::swish>() == "mine::swish");
  CHECK(text<mine::softplus<>>() == "mine::softplus<>");
  CHECK(text<mine::softplus<2.5>>() == "mine::softplus<2.5>");
}

TEST_CASE("decimals") {
  CHECK(decimal(0) == "0");
  CHECK(decimal(1) == "1");
  CHECK(decimal(-0.5) == "-0.5");
  CHECK(decimal(120) == "120");
  CHECK(decimal(1.7159) == "1.7159");
  CHECK(decimal(0.001) == "0.001");
  CHECK(decimal(0.0003) == "0.0003");
  CHECK(decimal(1e-5) == "1e-5");
  CHECK(decimal(-1.25e-7) == "-1.25e-7");
  CHECK(decimal(12345.678) == "12345.678");
}

TEST_CASE("a real number as a template argument keeps its value") {
  constexpr double values[] = {0, 0.1, 0.2, 0.3, 0.7, 1e-5, 3e-4, 1e-8, 0.999, 1.7159, 2.0 / 3.0, -0.01, 123456.75};
  for (const double value : values) {
    CAPTURE(value);
    CHECK(tn::real{value}.value() == doctest::Approx(value).epsilon(1e-15));
  }
  static_assert(tn::real{0.1}.value() == 0.1 && tn::real{1e-5}.value() == 1e-5 && tn::real{0.01}.value() == 0.01);
  static_assert(tn::real{0.5} == tn::real{0.50} && tn::real{-0.0} == tn::real{0.0});
  static_assert(std::is_same_v<tn::dropout<0.5>, tn::dropout<1.0 / 2>>);
}
