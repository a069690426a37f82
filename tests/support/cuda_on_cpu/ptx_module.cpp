// SPDX-License-Identifier: MIT
#include "ptx_module.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "decoder.hpp"
#include "device_memory.hpp"
#include "report.hpp"

namespace cuda_on_cpu {
namespace {

/// Splits the tokens between `from` and the parenthesis that closes at the commas. Leaves `from` behind that parenthesis.
std::vector<variable> read_list(const std::vector<token>& tokens, std::size_t& from) {
  std::vector<variable> list;
  std::vector<token> one;
  for (; from < tokens.size(); ++from) {
    const token t = tokens[from];
    if (t != "," && t != ")") {
      one.push_back(t);
      continue;
    }
    if (!one.empty()) list.push_back(read_variable(one));
    one.clear();
    if (t == ")") break;
  }
  ++from;
  return list;
}

std::size_t whole(token t) { return static_cast<std::size_t>(number_bits(t)); }

}  // namespace

std::optional<type> type_named(std::string_view name) {
  if (name == "pred") return type{'p', 1};
  if (name.size() < 2 || std::string_view{"usfb"}.find(name[0]) == std::string_view::npos) return std::nullopt;
  for (const auto& [digits, bits] :
       std::array<std::pair<std::string_view, int>, 5>{{{"8", 8}, {"16", 16}, {"32", 32}, {"64", 64}, {"128", 128}}})
    if (name.substr(1) == digits) return type{name[0], bits};
  return std::nullopt;
}

variable read_variable(const std::vector<token>& tokens) {
  variable v;
  std::size_t element = 1, count = 1;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const token t = tokens[i];
    if (t == ".align") {
      v.alignment = whole(tokens[++i]);
    } else if (t == ".shared") {
      v.where = space::shared;
    } else if (t == ".local") {
      v.where = space::local;
    } else if (t == ".param") {
      v.where = space::param;
    } else if (t == ".ptr") {
      // ".param .u64 .ptr .align 1 name" tells the alignment of what it points to.
      if (tokens[i + 1] == ".global" || tokens[i + 1] == ".shared" || tokens[i + 1] == ".const" || tokens[i + 1] == ".local") ++i;
      if (tokens[i + 1] == ".align") i += 2;
    } else if (t == "[") {
      // An array without a length is dynamic shared memory.
      count *= tokens[i + 1] == "]" ? 0 : whole(tokens[i + 1]);
    } else if (t == "=") {
      break;
    } else if (t[0] == '.') {
      if (const auto named = type_named(t.substr(1))) element = static_cast<std::size_t>(named->bits) / 8;
    } else if (t != "]" && t != ";" && !is_number(t)) {
      v.name = t;
    }
  }
  v.bytes = element * count;
  v.alignment = std::max(v.alignment, element);
  return v;
}

void ptx_module::read_function(const std::vector<token>& tokens, std::string_view body) {
  function_text f;
  f.body = body;
  std::size_t i = 0;
  while (tokens[i] != ".entry" && tokens[i] != ".func") ++i;
  f.is_kernel = tokens[i++] == ".entry";
  if (tokens[i] == "(") f.results = read_list(tokens, ++i);
  f.name = tokens[i++];
  if (i < tokens.size() && tokens[i] == "(") f.parameters = read_list(tokens, ++i);
  for (; i < tokens.size(); ++i) {
    if (tokens[i] != ".maxntid" && tokens[i] != ".reqntid") continue;
    f.most_threads = static_cast<int>(whole(tokens[++i]));
    while (i + 2 < tokens.size() && tokens[i + 1] == ",") f.most_threads *= static_cast<int>(whole(tokens[i += 2]));
  }
  functions_.emplace(f.name, std::move(f));
}

void ptx_module::read_global(const std::vector<token>& tokens) {
  variable v = read_variable(tokens);
  if (v.where != space::global) {
    variables_.emplace(v.name, v);
    return;
  }
  v.address = get_device_memory().allocate(v.bytes);
  std::byte* const memory = get_device_memory().at(v.address, v.bytes);
  std::memset(memory, 0, v.bytes);
  const auto equals = std::find(tokens.begin(), tokens.end(), "=");
  if (equals != tokens.end()) {
    std::size_t element = 1, at = 0;
    for (const token t : tokens)
      if (const auto named = t[0] == '.' ? type_named(t.substr(1)) : std::nullopt) element = static_cast<std::size_t>(named->bits) / 8;
    for (auto t = equals + 1; t != tokens.end(); ++t) {
      if (*t == "{" || *t == "}" || *t == ",") continue;
      if (!is_number(*t)) stop("the variable " + std::string{v.name} + " starts as '" + std::string{*t} + "'; only numbers are supported");
      const std::uint64_t bits = number_bits(*t);
      std::memcpy(memory + at, &bits, element);
      at += element;
    }
  }
  variables_.emplace(v.name, v);
}

void ptx_module::read() {
  is_read_ = true;
  ptx_lexer lexer{text_};
  while (!lexer.at_end()) {
    if (lexer.peek() == '{') {
      // The contents of a debug section.
      lexer.braces();
      continue;
    }
    if (lexer.peek() != '.') {
      lexer.next();
      continue;
    }
    // Directives that no ';' ends are one line each.
    ptx_lexer ahead = lexer;
    const token first = ahead.next();
    if (first == ".version" || first == ".target" || first == ".address_size" || first == ".file" || first == ".section") {
      if (first == ".section") {
        lexer.next();
        while (!lexer.at_end() && lexer.peek() != '{') lexer.next();
      } else if (first == ".version" || first == ".address_size") {
        lexer.next();
        lexer.next();
      } else {
        // ".target sm_90a"
        if (const token target = first == ".target" ? ahead.next() : token{}; target.substr(0, 3) == "sm_")
          architecture_ = static_cast<int>(number_bits(target.substr(3, target.find_first_not_of("0123456789", 3) - 3)));
        lexer.skip_line();
      }
      continue;
    }
    const std::vector<token> tokens = lexer.header();
    const auto has = [&](token t) { return std::find(tokens.begin(), tokens.end(), t) != tokens.end(); };
    if (has(".entry") || has(".func")) {
      if (lexer.peek() == '{' && !has(".extern")) read_function(tokens, lexer.braces());
    } else if (has(".global") || has(".const") || has(".shared")) {
      read_global(tokens);
    }
  }
}

const function_text* ptx_module::function(std::string_view name) {
  if (!is_read_) read();
  const auto found = functions_.find(name);
  return found == functions_.end() ? nullptr : &found->second;
}

int ptx_module::architecture() {
  if (!is_read_) read();
  return architecture_;
}

const variable* ptx_module::find(std::string_view name) {
  if (!is_read_) read();
  const auto found = variables_.find(name);
  return found == variables_.end() ? nullptr : &found->second;
}

const kernel& ptx_module::decoded(std::string_view name) {
  const function_text* const text = function(name);
  if (text == nullptr)
    stop("the program's PTX has no kernel " + readable(std::string{name}) +
         "; compile with PTX among the architectures, such as -gencode arch=compute_90,code=compute_90, and with --no-compress");
  std::unique_ptr<kernel>& slot = kernels_[text->name];
  if (slot == nullptr) slot = std::make_unique<kernel>(decode_kernel(*this, *text));
  return *slot;
}

}  // namespace cuda_on_cpu
