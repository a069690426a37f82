// SPDX-License-Identifier: MIT
/// @file
/// The answers of `check` of a layer: its needs of its input and of its options. A layer of your own may answer with a type of its own,
/// whose static `text()` returns the words after "needs".
#pragma once

#include <typenet/core/sentence.hpp>
#include <typenet/core/type_name.hpp>

namespace typenet {

/// The compiler's message about a layer: a type that is never defined, whose name says what is wrong.
/// @tparam Where `at<index…>`: the layer's place in the network
/// @tparam Got `got<extents…>`: the shape that reaches it
template <class Where, class Layer, class Needs, class Got>
struct layer_error;

namespace needs {

struct a_layer {
  static constexpr auto text() { return detail::sentence{"to be a layer (see the concept typenet::layer)"}; }
};
struct check_and_output {
  static constexpr auto text() { return detail::sentence{"static members check<In>() and output(In), which returns a shape"}; }
};
struct a_forward_pass {
  static constexpr auto text() { return detail::sentence{"a static member forward<In>(exec, data)"}; }
};
struct a_backward_input_pass {
  static constexpr auto text() { return detail::sentence{"a static member backward_input<In, Accumulate>(exec, data)"}; }
};
struct a_backward_parameters_pass {
  static constexpr auto text() { return detail::sentence{"a static member backward_parameters<In>(exec, data), since it has parameters"}; }
};
struct an_input_first {
  static constexpr auto text() { return detail::sentence{"input<features> or input<channels, height, width> before it"}; }
};
struct an_input_and_layers {
  static constexpr auto text() { return detail::sentence{"input<features> or input<channels, height, width>, and at least one layer"}; }
};
struct one_or_three_extents {
  static constexpr auto text() {
    return detail::sentence{"one extent (features) or three (channels, height, width); the batch is not part of it"};
  }
};
struct at_least_one_layer {
  static constexpr auto text() { return detail::sentence{"at least one layer"}; }
};
struct at_least_one_branch {
  static constexpr auto text() { return detail::sentence{"at least one branch"}; }
};
struct positive_sizes {
  static constexpr auto text() { return detail::sentence{"whole numbers of at least 1 as sizes"}; }
};
struct non_negative_padding {
  static constexpr auto text() { return detail::sentence{"a padding of at least 0"}; }
};
/// A limit of every framework: a window of padding alone has no maximum.
struct padding_at_most_half_the_window {
  static constexpr auto text() { return detail::sentence{"a padding of at most half its window"}; }
};
struct an_image {
  static constexpr auto text() { return detail::sentence{"an input of channels x height x width (it cannot follow flatten or linear)"}; }
};
struct a_vector {
  static constexpr auto text() { return detail::sentence{"a vector of features (put flatten before it)"}; }
};
/// An input that holds at least one window. Its padding counts.
template <int Height, int Width>
struct input_at_least {
  static constexpr auto text() { return detail::sentence{"an input, with its padding, of at least "}.add(Height).add("x").add(Width); }
};
template <int Groups>
struct channels_divisible_by {
  static constexpr auto text() { return detail::sentence{"input channels divisible by "}.add(Groups); }
};
template <int Groups>
struct output_channels_divisible_by {
  static constexpr auto text() { return detail::sentence{"output channels divisible by "}.add(Groups); }
};
template <int Inputs, int Outputs>
struct connection_table_of {
  static constexpr auto text() {
    return detail::sentence{"a connection_table<"}.add(Inputs).add(", ").add(Outputs).add("> (input channels x output channels)");
  }
};
struct a_connection_table {
  static constexpr auto text() { return detail::sentence{"a connection_table in connections<>"}; }
};
struct a_connection_for_every_output {
  static constexpr auto text() { return detail::sentence{"a connection table in which every output reads at least one input"}; }
};
struct groups_or_connections_not_both {
  static constexpr auto text() { return detail::sentence{"either groups or connections, not both"}; }
};
template <class Option>
struct no_unknown_option {
  static constexpr auto text() {
    return detail::sentence{"to be without "}.add(detail::type_name<Option>()).add(", which is none of its options");
  }
};
template <class Option>
struct no_repeated_option {
  static constexpr auto text() { return detail::sentence{"each option once, not another after "}.add(detail::type_name<Option>()); }
};
struct a_bias_of_true_or_false {
  static constexpr auto text() { return detail::sentence{"bias<true> or bias<false>"}; }
};
struct a_bias_of_true_false_or_per_unit {
  static constexpr auto text() { return detail::sentence{"bias<true>, bias<false> or bias<per_unit>"}; }
};
struct a_code_table {
  static constexpr auto text() { return detail::sentence{"a code_table"}; }
};
template <int Columns>
struct as_many_features_as_its_codes {
  static constexpr auto text() { return detail::sentence{"a vector of "}.add(Columns).add(" features, as long as its codes"); }
};
struct a_decimal_number {
  static constexpr auto text() {
    return detail::sentence{"numbers of at most 15 digits whose magnitude is from 1e-15 to 1e15, or zero, as its arguments"};
  }
};
struct an_epsilon_above_zero {
  static constexpr auto text() { return detail::sentence{"an epsilon above 0"}; }
};
struct a_momentum_from_zero_to_one {
  static constexpr auto text() { return detail::sentence{"a momentum from 0 to 1"}; }
};
struct a_probability_below_one {
  static constexpr auto text() { return detail::sentence{"a probability of at least 0 and below 1"}; }
};
/// A body whose output has the shape of its input, since a residual adds both.
template <int... Extents>
struct body_output {
  static constexpr auto text() {
    detail::sentence s{"a body whose output is "};
    int n = 0;
    ((s.add(n++ == 0 ? "" : "x").add(Extents)), ...);
    return s;
  }
};
/// Branches of equal height and width, since they are joined along the channels.
template <int Height, int Width>
struct branches_of_height_and_width {
  static constexpr auto text() { return detail::sentence{"branches whose outputs are all "}.add(Height).add("x").add(Width); }
};
struct branches_of_one_rank {
  static constexpr auto text() { return detail::sentence{"branches that are all images or all vectors"}; }
};
struct a_name_of_its_own {
  static constexpr auto text() { return detail::sentence{"a name that none of its neighbours has"}; }
};
struct a_name_without_dots {
  static constexpr auto text() { return detail::sentence{"a name that is not empty and holds no dot"}; }
};
struct names_that_differ {
  static constexpr auto text() { return detail::sentence{"names that differ among its parameters"}; }
};
struct everything_of_a_producer {
  static constexpr auto text() { return detail::sentence{"all that the concept typenet::producer_layer asks for"}; }
};
struct everything_of_a_normalization {
  static constexpr auto text() { return detail::sentence{"all that the concept typenet::normalization_layer asks for"}; }
};
struct everything_of_an_activation {
  static constexpr auto text() { return detail::sentence{"all that the concept typenet::activation_layer asks for"}; }
};
struct everything_of_a_pool {
  static constexpr auto text() { return detail::sentence{"all that the concept typenet::pool_layer asks for"}; }
};

}  // namespace needs
}  // namespace typenet
