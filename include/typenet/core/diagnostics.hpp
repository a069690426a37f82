// SPDX-License-Identifier: MIT
/// @file
/// report_error: stops the compilation of an ill-formed program with one message. The message is the name of a type, such as
/// `layer_error<at<3>, conv2d<16, 15>, needs::input_at_least<15, 15>, got<6, 12, 12>>`. In C++26 it is a sentence with these facts.
#pragma once

#include <type_traits>

#include <typenet/core/sentence.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/core/type_name.hpp>

namespace typenet {

/// The result of a check that found no error.
struct accepted {};

/// The position of a layer in its network. The first number is the index of the layer in the network, each further number an index in a
/// nested composition. `at<>` is the network itself.
template <int... Path>
struct at;
/// The shape that a layer got, without the batch; empty if there is no shape.
template <int... Extents>
struct got;

namespace detail {

/// The text of a requirement: `Needs::text()`, or the name of the type if it has no `text()`.
template <class Needs>
constexpr sentence needs_text() {
  if constexpr (requires { Needs::text(); })
    return Needs::text();
  else
    return type_name<Needs>();
}

template <int Rank, int A, int B, int C>
struct got_for {
  using type = got<A, B, C>;
};
template <int A, int B, int C>
struct got_for<1, A, B, C> {
  using type = got<A>;
};
/// `got` with the extents of a shape.
template <shape S>
struct got_of : got_for<S.rank, S[0], S[1], S[2]> {};
template <shape S>
using got_t = typename got_of<S>::type;

#if defined(__cpp_static_assert) && __cpp_static_assert >= 202306L
/// Stops compilation with one message: the sentence `Text::text()`. Used as `static_assert(report_error<Error, Text>())`.
template <class Error, class Text>
constexpr bool report_error() {
  // In a function: after a failed assertion in a class, clang drops the rest of the class.
  static_assert(!sizeof(Error*), Text::text());
  return true;
}
#else
template <class Error>
struct report_incomplete {
  // In a class: after an incomplete type in a function, clang reports each use of the function in a constant expression.
  static_assert(sizeof(Error) != 0, "typenet: this program is ill-formed; the name of the incomplete type says why");
};
/// Stops compilation with one message: the name of `Error`, a class that is never defined. Used as
/// `static_assert(report_error<Error, Text>())`.
template <class Error, class Text>
constexpr bool report_error() {
  return sizeof(report_incomplete<Error>) != 0;
}
#endif

}  // namespace detail
}  // namespace typenet
