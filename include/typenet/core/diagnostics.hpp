// SPDX-License-Identifier: MIT
/// @file
/// The words in which a compiler reports a network that cannot be: `layer_error<at<3>, conv2d<16, 15>,
/// needs::input_at_least<15, 15>, got<6, 12, 12>>`, or the same facts as a sentence where C++26 lets a library write one.
#pragma once

#include <string_view>

#include <typenet/core/shape.hpp>

namespace typenet {

/// A layer that fits: what `check` answers when there is nothing to say.
struct accepted {};

/// Index of the offending layer in its network; further numbers lead into nested compositions.
template <int... Path>
struct at;
/// The shape a layer was given, without the batch; the bare words of another input where it is no shape.
template <int... Extents>
struct got;
/// Never defined: its name is the message.
template <class Where, class Layer, class Needs, class Got>
struct layer_error;
/// Never defined: its name is the message.
template <class Loss, class Needs, class Got>
struct loss_error;

namespace detail {

/// Text built at compile time.
struct sentence {
  char characters[512] = {};
  int length = 0;

  constexpr sentence() = default;
  constexpr explicit sentence(std::string_view text) { add(text); }
  constexpr sentence& add(std::string_view text) {
    for (const char c : text)
      if (length < 511) characters[length++] = c;
    return *this;
  }
  constexpr sentence& add(long long number) {
    if (number < 0) return add("-").add(-number);
    if (number > 9) add(number / 10);
    const char digit[] = {static_cast<char>('0' + number % 10)};
    return add(std::string_view{digit, 1});
  }
  constexpr sentence& add(int number) { return add(static_cast<long long>(number)); }
  constexpr sentence& add(const sentence& other) { return add(other.view()); }
  /// digits * 10^exponent: "0.1", "2.5", "1e-5"
  constexpr sentence& add_decimal(long long digits, int exponent) {
    if (digits < 0) return add("-").add_decimal(-digits, exponent);
    if (exponent >= 0) return add(digits);
    sentence text;
    text.add(digits);
    const std::string_view all = text.view();
    const int point = text.length + exponent;
    if (point < -3) {
      add(all.substr(0, 1));
      if (text.length > 1) add(".").add(all.substr(1));
      return add("e").add(point - 1);
    }
    if (point <= 0) {
      add("0.");
      for (int i = point; i < 0; ++i) add("0");
      return add(all);
    }
    return add(all.substr(0, static_cast<std::size_t>(point))).add(".").add(all.substr(static_cast<std::size_t>(point)));
  }
  /// "6x12x12"
  constexpr sentence& add(shape s) {
    add(s[0]);
    for (int axis = 1; axis < s.rank; ++axis) add("x").add(s[axis]);
    return *this;
  }
  [[nodiscard]] constexpr std::string_view view() const { return {characters, static_cast<std::size_t>(length)}; }
  [[nodiscard]] constexpr const char* data() const { return characters; }
  [[nodiscard]] constexpr std::size_t size() const { return static_cast<std::size_t>(length); }
};

/// A type's name as compilers print it, in the words of its user: numbers as numbers, repeated defaults left out.
constexpr sentence tidy(std::string_view rest) {
  sentence name;
  // Moves past `word` where it comes next.
  const auto skip = [&rest](std::string_view word) {
    if (!rest.starts_with(word)) return false;
    rest.remove_prefix(word.size());
    return true;
  };
  const auto number = [&rest] {
    const bool negative = rest.starts_with('-');
    if (negative) rest.remove_prefix(1);
    long long n = 0;
    for (; !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; rest.remove_prefix(1)) n = 10 * n + (rest[0] - '0');
    return negative ? -n : n;
  };
  while (!rest.empty()) {
    // Where the next piece is not what it seems, it is copied as it stands.
    const std::string_view before = rest;
    if (skip("typenet::")) continue;
    if (skip("network<void>")) {
      name.add("network<>");
      continue;
    }
    const bool connections = skip("connections<");
    if (connections || skip("euclidean_rbf<")) {
      for (int depth = 0; !rest.empty() && (depth > 0 || rest[0] != '>'); rest.remove_prefix(1))
        depth += rest[0] == '<' ? 1 : rest[0] == '>' ? -1 : 0;
      name.add(connections ? "connections<table" : "euclidean_rbf<codes");
      continue;
    }
    if (skip("stride<") || skip("padding<") || skip("dilation<")) {
      name.add(before.substr(0, before.find('<') + 1));
      const long long height = number();
      const long long width = skip(", ") ? number() : height;
      name.add(height);
      if (width != height) name.add(", ").add(width);
      continue;
    }
    if (skip("fixed_string<")) {
      number();
      if (skip(">{")) {
        const std::size_t end = rest.find('}');
        name.add(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        continue;
      }
      rest = before;
    }
    // Old compilers leave out the type; only a `real` has a second number below one.
    const bool window = skip("kernel_size");
    if (window || skip("real") || rest.starts_with("{")) {
      if (skip("{")) {
        const long long first = number();
        if (skip(", ")) {
          const long long second = number();
          if (skip("}")) {
            if (window || second > 0)
              name.add("kernel<").add(first).add(", ").add(second).add(">");
            else
              name.add_decimal(first, static_cast<int>(second));
            continue;
          }
        }
      }
      rest = before;
    }
    if (skip("> >")) {
      name.add(">");
      rest = before.substr(2);
      continue;
    }
    name.add(rest.substr(0, 1));
    rest.remove_prefix(1);
  }
  return name;
}

/// A type as its user wrote it: `conv2d<16, 15>`, without this library's namespace.
template <class T>
constexpr sentence type_name() {
#if defined(__clang__)
  constexpr std::string_view full = __PRETTY_FUNCTION__;
  constexpr std::string_view key = "[T = ";
  constexpr std::size_t begin = full.find(key) + key.size();
  constexpr std::size_t end = full.rfind(']');
#elif defined(__GNUC__)
  constexpr std::string_view full = __PRETTY_FUNCTION__;
  constexpr std::string_view key = "[with T = ";
  constexpr std::size_t begin = full.find(key) + key.size();
  constexpr std::size_t end = full.rfind(']');
#else
  constexpr std::string_view full = __FUNCSIG__;
  constexpr std::string_view key = "type_name<";
  constexpr std::size_t begin = full.find(key) + key.size();
  constexpr std::size_t end = full.rfind(">(void)");
#endif
  return tidy(full.substr(begin, end - begin));
}

}  // namespace detail

/// What a layer can need. A layer of your own may declare its needs elsewhere: any type will do, and a static
/// `text()` makes the sentence.
namespace needs {

struct a_layer {
  static constexpr auto text() { return detail::sentence{"to be a layer (see the concept typenet::layer)"}; }
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
/// The field's limit: a window of padding alone has no maximum, nor an average.
struct padding_at_most_half_the_window {
  static constexpr auto text() { return detail::sentence{"a padding of at most half its window"}; }
};
struct an_image {
  static constexpr auto text() { return detail::sentence{"an input of channels x height x width (it cannot follow flatten or linear)"}; }
};
struct a_vector {
  static constexpr auto text() { return detail::sentence{"a vector of features (put flatten before it)"}; }
};
/// Counted with the padding.
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
struct a_probability_below_one {
  static constexpr auto text() { return detail::sentence{"a probability of at least 0 and below 1"}; }
};
/// A residual adds its body's output to its input, so both have one shape.
template <int... Extents>
struct body_output {
  static constexpr auto text() {
    detail::sentence s{"a body whose output is "};
    int n = 0;
    ((s.add(n++ == 0 ? "" : "x").add(Extents)), ...);
    return s;
  }
};
/// Branches are joined along the channels, so height and width agree.
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
/// Of a data set.
template <int... Extents>
struct samples_of;
/// Of a loss.
template <int Classes>
struct a_vector_of_scores {
  static constexpr auto text() { return detail::sentence{"an output of one score for each of the "}.add(Classes).add(" classes"); }
};
struct an_output_of_scores {
  static constexpr auto text() { return detail::sentence{"an output of scores (the network ends with penalties, for rbf_mse or rbf_map)"}; }
};
struct an_output_of_penalties {
  static constexpr auto text() { return detail::sentence{"an output of penalties (end the network with euclidean_rbf)"}; }
};
template <int... Extents>
struct targets_of_shape {
  static constexpr auto text() {
    detail::sentence s{"targets of shape "};
    int n = 0;
    ((s.add(n++ == 0 ? "" : "x").add(Extents)), ...);
    return s;
  }
};

}  // namespace needs
}  // namespace typenet
