// SPDX-License-Identifier: MIT
#include "ptx_lexer.hpp"

#include <cctype>
#include <charconv>
#include <string>
#include <system_error>

#include "report.hpp"

namespace cuda_on_cpu {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' || c == '%' || c == '.'; }

}  // namespace

void ptx_lexer::skip_blanks() {
  while (at_ < text_.size()) {
    if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
      ++at_;
    } else if (text_.compare(at_, 2, "//") == 0) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (text_.compare(at_, 2, "/*") == 0) {
      const std::size_t end = text_.find("*/", at_ + 2);
      at_ = end == std::string_view::npos ? text_.size() : end + 2;
    } else {
      return;
    }
  }
}

token ptx_lexer::next() {
  const std::size_t start = at_;
  const auto has_word = [&](std::size_t i) { return i < text_.size() && is_word(text_[i]); };
  if (text_[at_] == '"') {
    const std::size_t end = text_.find('"', at_ + 1);
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
  } else if (is_word(text_[at_]) || (text_[at_] == '-' && has_word(at_ + 1))) {
    // "shared::cta" is a part of a word; the ':' behind a label is not.
    for (++at_; has_word(at_) || (text_.compare(at_, 2, "::") == 0 && has_word(at_ + 2)); ++at_)
      if (text_[at_] == ':') ++at_;
  } else {
    ++at_;
  }
  const token found = text_.substr(start, at_ - start);
  skip_blanks();
  return found;
}

std::vector<token> ptx_lexer::header() {
  std::vector<token> tokens;
  while (!at_end() && peek() != '{') {
    const token t = next();
    if (t == ";") break;
    // The braces of "= {1, 2}" belong to a declaration.
    tokens.push_back(t);
    if (t == "=" && peek() == '{')
      while (!at_end() && tokens.back() != "}") tokens.push_back(next());
  }
  return tokens;
}

std::vector<token> ptx_lexer::statement() {
  std::vector<token> tokens;
  while (!at_end()) {
    tokens.push_back(next());
    if (tokens.back() == ";" || (tokens.back() == ":" && tokens.size() == 2)) return tokens;
  }
  return tokens;
}

std::string_view ptx_lexer::braces() {
  next();
  const std::size_t start = at_;
  for (int depth = 1; !at_end();) {
    const std::size_t before = at_;
    const token t = next();
    if (t == "{") ++depth;
    if (t == "}" && --depth == 0) return text_.substr(start, before - start);
  }
  stop("PTX ends within braces");
}

void ptx_lexer::skip_line() {
  at_ = std::min(text_.find('\n', at_), text_.size());
  skip_blanks();
}

bool is_number(token t) { return !t.empty() && (is_digit(t[0]) || (t.size() > 1 && t[0] == '-' && is_digit(t[1]))); }

std::uint64_t number_bits(token t) {
  const auto digits = [&](token rest, int base) {
    std::uint64_t number = 0;
    while (!rest.empty() && rest.back() == 'U') rest.remove_suffix(1);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number, base);
    if (error != std::errc{} || end != rest.data() + rest.size())
      stop("PTX has the number '" + std::string{t} + "', which is not understood");
    return number;
  };
  const bool negative = t[0] == '-';
  const token plain = negative ? t.substr(1) : t;
  std::uint64_t bits = 0;
  const char second = plain.size() > 2 && plain[0] == '0' ? plain[1] : '\0';
  if (second == 'f' || second == 'F' || second == 'd' || second == 'D' || second == 'x' || second == 'X')
    bits = digits(plain.substr(2), 16);
  else if (second == 'b' || second == 'B')
    bits = digits(plain.substr(2), 2);
  else
    bits = digits(plain, 10);
  return negative ? 0 - bits : bits;
}

}  // namespace cuda_on_cpu
