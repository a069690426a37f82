// SPDX-License-Identifier: MIT
/// @file
/// Splits PTX into tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace cuda_on_cpu {

/// A word, a number or a punctuation mark. Words hold their dots: "ld.global.f32", "%tid.x", ".reg".
using token = std::string_view;

/// Reads tokens from left to right. The text must outlive the tokens.
class ptx_lexer {
 public:
  explicit ptx_lexer(std::string_view text) : text_{text} { skip_blanks(); }

  /// Whether no token is left.
  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  /// The character that the next token starts with; 0 at the end.
  [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[at_]; }
  /// Returns the next token.
  token next();
  /// Returns the tokens up to a ';', which is read too, or up to an opening brace, which is not.
  std::vector<token> header();
  /// Returns the tokens of a statement up to its ';', or up to the ':' of a label. The mark is read too, and is the last token.
  std::vector<token> statement();
  /// Reads from the opening brace that is next to the closing brace that belongs to it. Returns the text between them.
  std::string_view braces();
  /// Goes to the next line.
  void skip_line();

 private:
  void skip_blanks();

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Whether a token is a number, such as 12, -0x1F, 1.5 or 0f3F800000.
bool is_number(token t);

/// The bits of a number: of a `float` for 0f..., of a `double` for 0d....
std::uint64_t number_bits(token t);

}  // namespace cuda_on_cpu
