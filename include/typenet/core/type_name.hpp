// SPDX-License-Identifier: MIT
/// @file
/// Types as text: their names as a user wrote them, the same whichever compiler reads them.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

#include <typenet/core/real.hpp>
#include <typenet/core/sentence.hpp>

namespace typenet::detail {

/// The length of the template argument that `text` begins with, where that is a table: a value with braces within its braces. Otherwise 0.
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

/// What stands before the template arguments.
template <class T>
constexpr sentence template_name() {
  const sentence whole = type_name<T>();
  return sentence{whole.view().substr(0, whole.view().find('<'))};
}

/// Compilers print most types alike once tidied up.
template <class T>
struct spelled {
  static constexpr sentence text() { return type_name<T>(); }
};

/// Some print real numbers that are the template's defaults, and some do not; here they are left out.
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
  /// Whether the first ones alone name the same type.
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
  static constexpr int written = suffice<>() ? 0 : first_suffices<Numbers...>() ? 1 : static_cast<int>(sizeof...(Numbers));
};

template <template <int, real...> class T, int Size, real... Numbers>
struct spelled<T<Size, Numbers...>> {
  static constexpr sentence text() {
    sentence s = template_name<T<Size, Numbers...>>();
    s.add("<").add(Size);
    if constexpr (!defaults()) (s.add(", ").add_decimal(Numbers.digits, Numbers.exponent), ...);
    return s.add(">");
  }

 private:
  static constexpr bool defaults() {
    if constexpr (requires { typename T<Size>; })
      return std::is_same_v<T<Size>, T<Size, Numbers...>>;
    else
      return false;
  }
};

/// `conv2d<6, 5>`, `dropout<0.1>`, `batch_norm<>`.
template <class T>
constexpr sentence type_text() {
  return spelled<T>::text();
}

}  // namespace typenet::detail
