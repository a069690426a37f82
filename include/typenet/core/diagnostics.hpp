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

/// The message in C++26 about a type that lacks something: "typenet: <Subject> needs <Needs>".
template <class Subject, class Needs>
struct needs_message {
  static constexpr sentence text() { return sentence{"typenet: "}.add(type_name<Subject>()).add(" needs ").add(needs_text<Needs>()); }
};

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
template <class Error, class Text>
struct error_message {
  static_assert(!sizeof(Error*), Text::text());
};
#else
template <class Error, class Text>
struct error_message {
  static_assert(sizeof(Error) != 0, "typenet: this program is ill-formed; the name of the incomplete type says why");
};
#endif
/// Has the message when its body is instantiated.
template <class Error, class Text>
void report_when_instantiated() {
  static_cast<void>(sizeof(error_message<Error, Text>));
}

/// Stops compilation with one message: the name of `Error`, a class that is never defined, or the sentence `Text::text()` where C++26 lets
/// a library write one. It is the constant true, for use as `static_assert(report_error<Error, Text>())` or as a check's result.
///
/// The message comes from a function that is named but not called, which compilers instantiate last. Where an error occurs during a
/// function's own instantiation, clang takes the function for no constant, and would add a second message.
template <class Error, class Text>
constexpr bool report_error() {
  constexpr void (*report)() = &report_when_instantiated<Error, Text>;
  return report != nullptr;
}

}  // namespace detail
}  // namespace typenet
