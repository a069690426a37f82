// SPDX-License-Identifier: MIT
/// @file
/// type_name, type_text: the name of a type as its user wrote it, identical on all compilers.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

#include <typenet/core/real.hpp>
#include <typenet/core/sentence.hpp>

namespace typenet::detail {

/// The length of a table at the start of `text`, or 0. A table is a template argument that has braces nested in braces.
constexpr std::size_t table_length(std::string_view text) {
  int angles = 0, braces = 0;
  bool nested = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (angles == 0 && braces == 0 && (c == ',' || c == '>')) return nested ? i : 0;
    angles += c == '<' ? 1 : c == '>' ? -1 : 0;
    braces += c == '{' ? 1 : c == '}' ? -1 : 0;
    nested = nested || (braces > 1 && angles == 0);
  }
  return 0;
}

/// Rewrites a type's name from a compiler's spelling to the user's. It drops `typenet::`, writes `real` arguments as decimals and tables as
/// "table", and drops the second extent of an option if it equals the first.
/// @param rest the compiler's spelling; the function consumes it from the left
constexpr sentence tidy(std::string_view rest) {
  sentence name;
  // Consumes `word` if `rest` starts with it.
  const auto skip = [&rest](std::string_view word) {
    if (!rest.starts_with(word)) return false;
    rest.remove_prefix(word.size());
    return true;
  };
  // Consumes an integer.
  const auto number = [&rest] {
    const bool negative = rest.starts_with('-');
    if (negative) rest.remove_prefix(1);
    long long n = 0;
    for (; !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; rest.remove_prefix(1)) n = 10 * n + (rest[0] - '0');
    return negative ? -n : n;
  };
  while (!rest.empty()) {
    // The text before this step, restored if what follows a prefix does not match.
    const std::string_view before = rest;
    if (skip("typenet::")) continue;
    if (skip("network<void>")) {
      name.add("network<>");
      continue;
    }
    if (name.length > 0 && (name.view().ends_with('<') || name.view().ends_with(", "))) {
      const std::size_t length = table_length(rest);
      if (length > 0) {
        name.add("table");
        rest.remove_prefix(length);
        continue;
      }
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
    // Older compilers omit the type before the brace. A second number below 1 is the exponent of a `real`.
    const bool is_kernel = skip("kernel_size");
    if (is_kernel || skip("real") || rest.starts_with("{")) {
      if (skip("{")) {
        const long long first = number();
        if (skip(", ")) {
          const long long second = number();
          if (skip("}")) {
            if (is_kernel || second > 0)
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

/// The name of a type without the library's namespace, such as `conv2d<16, 15>`. Default arguments may appear.
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

/// The name of a template: `type_name` without the template arguments.
template <class T>
constexpr sentence template_name() {
  const sentence whole = type_name<T>();
  return sentence{whole.view().substr(0, whole.view().find('<'))};
}

/// The text of a type without `real` arguments: `type_name`, which is identical on all compilers.
template <class T>
struct spelled {
  static constexpr sentence text() { return type_name<T>(); }
};

/// The text of a template of `real` arguments, without trailing arguments that equal the defaults. Only some compilers print these.
template <template <real...> class T, real... Numbers>
struct spelled<T<Numbers...>> {
  static constexpr sentence text() {
    sentence s = template_name<T<Numbers...>>();
    s.add("<");
    int left = written;
    ((left-- > 0 ? s.add(left + 1 < written ? ", " : "").add_decimal(Numbers.digits, Numbers.exponent) : s), ...);
    return s.add(">");
  }

 private:
  /// True where the arguments `First` alone name this type.
  template <real... First>
  static constexpr bool suffice() {
    if constexpr (requires { typename T<First...>; })
      return std::is_same_v<T<First...>, T<Numbers...>>;
    else
      return false;
  }
  template <real First, real... Rest>
  static constexpr bool first_suffices() {
    return suffice<First>();
  }
  /// The number of arguments in the text.
  static constexpr int written = suffice<>() ? 0 : first_suffices<Numbers...>() ? 1 : static_cast<int>(sizeof...(Numbers));
};

/// The text of a template of an `int` and `real` arguments, without `real` arguments that all equal the defaults.
template <template <int, real...> class T, int Size, real... Numbers>
struct spelled<T<Size, Numbers...>> {
  static constexpr sentence text() {
    sentence s = template_name<T<Size, Numbers...>>();
    s.add("<").add(Size);
    if constexpr (!defaults()) (s.add(", ").add_decimal(Numbers.digits, Numbers.exponent), ...);
    return s.add(">");
  }

 private:
  /// True where all `real` arguments equal the defaults.
  static constexpr bool defaults() {
    if constexpr (requires { typename T<Size>; })
      return std::is_same_v<T<Size>, T<Size, Numbers...>>;
    else
      return false;
  }
};

/// The name of a type as its user wrote it: `conv2d<6, 5>`, `dropout<0.1>`, `batch_norm<>`.
template <class T>
constexpr sentence type_text() {
  return spelled<T>::text();
}

}  // namespace typenet::detail
