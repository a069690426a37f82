// SPDX-License-Identifier: MIT
#include "decoder.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "operations.hpp"
#include "report.hpp"

namespace cuda_on_cpu {
namespace {

/// What stands between two commas of a statement.
struct operand {
  /// The register, literal or variable; several in braces.
  std::vector<token> names;
  /// The predicate behind a '|', which gets a second result.
  token second;
  std::int64_t offset = 0;
  bool in_braces = false;
  bool negated = false;
};

/// Reads the operands of a statement from token `at` on.
std::vector<operand> read_operands(const std::vector<token>& tokens, std::size_t at) {
  std::vector<operand> all;
  operand one;
  bool in_braces = false, second = false;
  for (; at < tokens.size(); ++at) {
    const token t = tokens[at];
    if (t == "{") {
      in_braces = one.in_braces = true;
    } else if (t == "}") {
      in_braces = false;
    } else if (t == "!") {
      one.negated = true;
    } else if (t == "|") {
      second = true;
    } else if (t == "[" || t == "]" || t == "+" || (t == "," && in_braces)) {
      continue;
    } else if (t == "," || t == ";") {
      if (!one.names.empty()) all.push_back(std::exchange(one, {}));
      second = false;
    } else if (second) {
      one.second = t;
    } else if (!one.names.empty() && !in_braces && is_number(t)) {
      one.offset = static_cast<std::int64_t>(number_bits(t));
    } else {
      one.names.push_back(t);
    }
  }
  return all;
}

/// The special register of a name such as "%tid.x".
std::optional<special> special_named(token name) {
  using enum special;
  static const std::unordered_map<token, special> names{{"%tid.x", tid_x},
                                                        {"%tid.y", tid_y},
                                                        {"%tid.z", tid_z},
                                                        {"%ntid.x", ntid_x},
                                                        {"%ntid.y", ntid_y},
                                                        {"%ntid.z", ntid_z},
                                                        {"%ctaid.x", ctaid_x},
                                                        {"%ctaid.y", ctaid_y},
                                                        {"%ctaid.z", ctaid_z},
                                                        {"%nctaid.x", nctaid_x},
                                                        {"%nctaid.y", nctaid_y},
                                                        {"%nctaid.z", nctaid_z},
                                                        {"%laneid", laneid},
                                                        {"%warpid", warpid},
                                                        {"%nwarpid", nwarpid},
                                                        {"%smid", smid},
                                                        {"%nsmid", nsmid},
                                                        {"%gridid", gridid},
                                                        {"%lanemask_eq", lanemask_eq},
                                                        {"%lanemask_lt", lanemask_lt},
                                                        {"%lanemask_le", lanemask_le},
                                                        {"%lanemask_gt", lanemask_gt},
                                                        {"%lanemask_ge", lanemask_ge},
                                                        {"%dynamic_smem_size", dynamic_smem_size},
                                                        {"%total_smem_size", total_smem_size},
                                                        {"%envreg1", envreg1},
                                                        {"%envreg2", envreg2},
                                                        {"%clock", special::clock},
                                                        {"%clock64", special::clock},
                                                        {"%globaltimer", special::clock}};
  const auto found = names.find(name);
  return found == names.end() ? std::nullopt : std::optional{found->second};
}

space space_of(const opcode& o) {
  for (const std::string_view part : o.parts) {
    if (part == "global" || part == "const") return space::global;
    if (part == "shared" || part == "shared::cta") return space::shared;
    if (part == "local") return space::local;
    if (part == "param" || part == "param::entry" || part == "param::func") return space::param;
  }
  return space::generic;
}

/// Decodes the body of a kernel and of what it calls.
class decoder {
 public:
  decoder(ptx_module& from, const function_text& text) : module_{from} {
    out_.name = text.name;
    out_.most_threads = text.most_threads;
    body whole{.function = &text};
    std::uint64_t at = 0;
    for (const variable& p : text.parameters) {
      at = round_up(at, p.alignment);
      out_.parameters.push_back({p.name, static_cast<std::size_t>(at), p.bytes});
      variable placed = p;
      placed.where = space::param;
      placed.address = at;
      whole.scopes.front().variables.emplace(p.name, placed);
      at += p.bytes;
    }
    out_.parameter_bytes = static_cast<std::size_t>(at);
    decode(whole);
    out_.code.push_back({.what = instruction::kind::exit, .text = "the end of the kernel"});
    for (const int dynamic : dynamic_shared_) constant_values_[dynamic] = shared_start + round_up(out_.shared_bytes, 16);
    out_.constants.assign(constant_values_.begin(), constant_values_.end());
    for (const auto& [what, number] : specials_) out_.specials.emplace_back(number, what);
  }
  kernel take() { return std::move(out_); }

 private:
  struct scope {
    std::unordered_map<token, int> registers;
    std::unordered_map<token, variable> variables;
  };
  /// A function that is being decoded.
  struct body {
    const function_text* function;
    int depth = 0;  ///< calls around it
    std::vector<scope> scopes = std::vector<scope>(1);
    std::unordered_map<token, int> labels{};
    std::unordered_map<token, std::vector<token>> label_lists{};
    token last_label{};
    /// Branches whose targets are not known yet: the instruction and the labels.
    std::vector<std::pair<std::size_t, std::vector<token>>> branches{};
    std::vector<std::size_t> returns{};
  };

  // ---- Registers

  int new_register() { return out_.registers++; }
  int constant(std::uint64_t value) {
    const auto [found, is_new] = constants_.try_emplace(value, 0);
    if (is_new) {
      found->second = new_register();
      constant_values_[found->second] = value;
    }
    return found->second;
  }
  int special_register(special what) {
    const auto [found, is_new] = specials_.try_emplace(what, 0);
    if (is_new) found->second = new_register();
    return found->second;
  }
  /// The variable that a name stands for, or null.
  const variable* variable_named(body& b, token name) {
    for (auto s = b.scopes.rbegin(); s != b.scopes.rend(); ++s)
      if (const auto found = s->variables.find(name); found != s->variables.end()) return &found->second;
    const variable* const global = module_.find(name);
    if (global == nullptr || global->where != space::shared) return global;
    return &b.scopes.front().variables.emplace(name, shared_variable(*global)).first->second;
  }
  /// Gives a shared variable its place. Several functions may name it.
  variable shared_variable(variable v) {
    const auto [found, is_new] = shared_.try_emplace(v.name, 0);
    if (is_new) {
      out_.shared_bytes = round_up(out_.shared_bytes, v.alignment);
      found->second = shared_start + out_.shared_bytes;
      out_.shared_bytes += v.bytes;
    }
    v.address = found->second;
    return v;
  }
  /// The number of the register that holds what a name stands for, plus `offset` where that is an address.
  int register_of(body& b, token name, std::int64_t offset = 0) {
    if (name == "_") return none;
    if (is_number(name)) return constant(number_bits(name));
    for (auto s = b.scopes.rbegin(); s != b.scopes.rend(); ++s)
      if (const auto found = s->registers.find(name); found != s->registers.end()) return found->second;
    if (name[0] == '%') {
      if (const auto found = special_named(name)) return special_register(*found);
      const int number = new_register();
      b.scopes.front().registers.emplace(name, number);
      return number;
    }
    const variable* const v = variable_named(b, name);
    if (v == nullptr) return none;
    if (v->where == space::shared && v->bytes == 0) {
      const int number = new_register();
      dynamic_shared_.push_back(number);
      return number;
    }
    return constant(v->address + static_cast<std::uint64_t>(offset));
  }
  int register_of(body& b, const operand& o) { return register_of(b, o.names[0], o.offset); }

  /// Whether a register holds the start of dynamic shared memory.
  bool is_dynamic_shared(int r) const { return std::find(dynamic_shared_.begin(), dynamic_shared_.end(), r) != dynamic_shared_.end(); }

  /// The register of a predicate that is read. Literals and negated predicates get registers of their own.
  int predicate_of(body& b, const operand& o, std::string_view text) {
    if (is_number(o.names[0])) return constant((number_bits(o.names[0]) != 0) != o.negated ? all_lanes : 0);
    const int plain = register_of(b, o);
    if (!o.negated) return plain;
    instruction& i = add(text, lanewise_operation(opcode{"not.pred"}));
    i.sources[0] = plain;
    return i.destinations[0] = new_register();
  }

  // ---- Instructions

  instruction& add(std::string_view text, executor run) {
    instruction& i = out_.code.emplace_back();
    i.run = run == nullptr ? run_unknown : run;
    i.text = text;
    return i;
  }

  void decode(body& b) {
    ptx_lexer lexer{b.function->body};
    while (!lexer.at_end()) {
      if (lexer.peek() == '{') {
        b.scopes.emplace_back();
        lexer.next();
      } else if (lexer.peek() == '}') {
        if (b.scopes.size() > 1) b.scopes.pop_back();
        lexer.next();
      } else if (ptx_lexer ahead = lexer; ahead.next() == ".loc") {
        lexer.skip_line();
      } else {
        const std::vector<token> tokens = lexer.statement();
        if (tokens.back() == ":") {
          b.labels[tokens[0]] = static_cast<int>(out_.code.size());
          b.last_label = tokens[0];
        } else if (tokens[0][0] == '.') {
          declare(b, tokens);
        } else if (tokens.size() > 1) {
          decode(b, tokens);
        }
      }
    }
    for (const std::size_t at : b.returns) out_.code[at].targets = {static_cast<int>(out_.code.size())};
    for (const auto& [at, names] : b.branches)
      for (const token name : names) {
        const auto found = b.labels.find(name);
        if (found == b.labels.end()) stop("kernel " + readable(out_.name) + " branches to " + std::string{name} + ", which is not there");
        out_.code[at].targets.push_back(found->second);
      }
  }

  void declare(body& b, const std::vector<token>& tokens) {
    if (tokens[0] == ".branchtargets") {
      std::vector<token>& list = b.label_lists[b.last_label];
      std::copy_if(tokens.begin() + 1, tokens.end(), std::back_inserter(list), [](token t) { return t != "," && t != ";"; });
    } else if (tokens[0] == ".reg") {
      for (std::size_t k = 1; k < tokens.size(); ++k) {
        const bool is_name = tokens[k][0] == '%' || tokens[k][0] == '_' || std::isalpha(static_cast<unsigned char>(tokens[k][0])) != 0;
        // Names of the form %r<5> need no declaration.
        if (is_name && tokens[k + 1] != "<") b.scopes.back().registers[tokens[k]] = new_register();
      }
    } else if (tokens[0] == ".shared" || tokens[0] == ".local" || tokens[0] == ".param") {
      variable v = read_variable(tokens);
      if (v.where == space::shared) {
        v = shared_variable(v);
      } else {
        // The parameters of a call lie in local memory, too.
        v.where = space::local;
        out_.local_bytes = round_up(out_.local_bytes, v.alignment);
        v.address = out_.local_bytes;
        out_.local_bytes += v.bytes;
      }
      b.scopes.back().variables[v.name] = v;
    }
  }

  void decode(body& b, const std::vector<token>& tokens) {
    const std::string_view text{tokens.front().data(), static_cast<std::size_t>(tokens.back().data() - tokens.front().data())};
    std::size_t at = 0;
    int guard = none;
    bool negated = false;
    if (tokens[0] == "@") {
      negated = tokens[1] == "!";
      guard = register_of(b, tokens[negated ? 2 : 1]);
      at = negated ? 3 : 2;
    }
    const std::size_t first = out_.code.size();
    const opcode o{tokens[at]};
    if (o.root() == "call") {
      // A guard of a call jumps over it.
      if (guard != none) add(text, run_nothing).what = instruction::kind::branch;
      call(b, tokens, at + 1, text);
      if (guard == none) return;
      instruction& jump = out_.code[first];
      jump.guard = guard;
      jump.guard_negated = !negated;
      jump.targets = {static_cast<int>(out_.code.size())};
      return;
    }
    operation(b, o, read_operands(tokens, at + 1), text);
    for (std::size_t k = first; k < out_.code.size(); ++k) {
      out_.code[k].guard = guard;
      out_.code[k].guard_negated = negated;
    }
  }

  void operation(body& b, const opcode& o, const std::vector<operand>& operands, std::string_view text) {
    using kind = instruction::kind;
    const std::string_view root = o.root();
    const auto destination = [&](instruction& i) {
      i.destinations[0] = register_of(b, operands[0]);
      if (!operands[0].second.empty()) i.destinations[1] = register_of(b, operands[0].second);
    };
    if (root == "mov") {
      move(b, o, operands, text);
    } else if (root == "ld" || root == "ldu" || root == "st" || root == "atom" || root == "red") {
      access(b, o, operands, text);
    } else if (root == "cvta" || root == "isspacep") {
      instruction& i = add(text, memory_operation(o, space_of(o)));
      destination(i);
      i.sources[0] = register_of(b, operands[1]);
    } else if (root == "bra" || root == "brx") {
      instruction& i = add(text, run_nothing);
      i.what = root == "bra" ? kind::branch : kind::branch_table;
      if (root == "brx") i.sources[0] = register_of(b, operands[0]);
      const token label = operands.back().names[0];
      b.branches.emplace_back(out_.code.size() - 1, root == "bra" ? std::vector<token>{label} : b.label_lists[label]);
    } else if (root == "ret" || root == "exit") {
      instruction& i = add(text, run_nothing);
      if (root == "ret" && b.depth > 0) {
        i.what = kind::branch;
        b.returns.push_back(out_.code.size() - 1);
      } else {
        i.what = kind::exit;
      }
    } else if ((root == "bar" && !o.has("warp")) || root == "barrier") {
      barrier(b, o, operands, text);
    } else if (root == "shfl" || root == "vote" || root == "match" || root == "redux" || root == "elect" || root == "bar") {
      collective(b, o, operands, text);
    } else if (root == "activemask") {
      destination(add(text, run_active_mask));
    } else if (root == "membar" || root == "fence" || root == "prefetch" || root == "prefetchu" || root == "nanosleep" ||
               root == "pmevent" || root == "griddepcontrol" || root == "discard" || root == "applypriority") {
      add(text, run_nothing);
    } else if (root == "trap" || root == "brkpt") {
      add(text, run_trap);
    } else if (root == "setp") {
      compare(b, o, operands, text);
    } else {
      lanewise(b, o, operands, text);
    }
  }

  void lanewise(body& b, const opcode& o, const std::vector<operand>& operands, std::string_view text) {
    std::uint32_t detail = 0;
    executor run = carry_operation(o, detail);
    if (run == nullptr) run = lanewise_operation(o);
    if (run == nullptr || operands.size() > 7) {
      add(text, nullptr);
      return;
    }
    std::array<int, 6> sources{none, none, none, none, none, none};
    for (std::size_t k = 1; k < operands.size(); ++k)
      sources[k - 1] = o.last().kind == 'p' || operands[k].negated ? predicate_of(b, operands[k], text) : register_of(b, operands[k]);
    instruction& i = add(text, run);
    i.detail = detail;
    i.sources = sources;
    i.destinations[0] = register_of(b, operands[0]);
    set_rounding(o, i);
  }

  void move(body& b, const opcode& o, const std::vector<operand>& operands, std::string_view text) {
    const operand &to = operands[0], &from = operands[1];
    if (o.last().kind == 'p') {
      const int source = predicate_of(b, from, text);
      instruction& i = add(text, run_move_predicate);
      i.sources[0] = source;
      i.destinations[0] = register_of(b, to);
    } else if (to.in_braces || from.in_braces) {
      const std::vector<token>& parts = (to.in_braces ? to : from).names;
      instruction& i = add(text, o.last().bits > 64 ? nullptr : to.in_braces ? run_unpack : run_pack);
      i.vector = static_cast<std::uint8_t>(parts.size());
      i.detail = static_cast<std::uint32_t>(o.last().bits) / static_cast<std::uint32_t>(parts.size());
      for (std::size_t k = 0; k < parts.size(); ++k) (to.in_braces ? i.destinations[k] : i.sources[k]) = register_of(b, parts[k]);
      (to.in_braces ? i.sources[0] : i.destinations[0]) = register_of(b, to.in_braces ? from : to);
    } else {
      const bool clock = special_named(from.names[0]) == special::clock;
      const int source = register_of(b, from);
      // What has no register, such as the address of a function, is not known.
      instruction& i = add(text, source == none ? nullptr : clock ? run_clock : run_move);
      i.sources[0] = source;
      i.destinations[0] = register_of(b, to);
      // The start of dynamic shared memory is known at the end only, so the offset is added there.
      if (from.offset != 0 && is_dynamic_shared(source)) i.run = run_unknown;
    }
  }

  void access(body& b, const opcode& o, const std::vector<operand>& operands, std::string_view text) {
    const bool stores = o.root() != "ld" && o.root() != "ldu", loads = o.root() != "st" && o.root() != "red";
    const operand& address = operands[loads ? 1 : 0];
    space where = space_of(o);
    if (where == space::param)
      if (const variable* const v = variable_named(b, address.names[0])) where = v->where;
    instruction& i = add(text, memory_operation(o, where));
    i.where = where;
    // Loads that poll a flag are no work.
    i.loads = loads && !o.has("const") && !o.has("acquire") && !o.has("volatile");
    i.stores = stores;
    i.sources[0] = register_of(b, address);
    // The register of a variable's address has the offset already, unless the variable is dynamic shared memory.
    if (variable_named(b, address.names[0]) == nullptr || is_dynamic_shared(i.sources[0])) i.offset = address.offset;
    if (loads) {
      const std::vector<token>& to = operands[0].names;
      if (to.size() > i.destinations.size()) {
        i.run = run_unknown;
        return;
      }
      i.vector = static_cast<std::uint8_t>(to.size());
      for (std::size_t k = 0; k < to.size(); ++k) i.destinations[k] = register_of(b, to[k]);
    }
    if (stores) {
      std::size_t next = 1;
      for (std::size_t k = loads ? 2 : 1; k < operands.size(); ++k)
        for (const token name : operands[k].names)
          if (next < i.sources.size()) i.sources[next++] = register_of(b, name, operands[k].offset);
      if (!loads) i.vector = static_cast<std::uint8_t>(next - 1);
    }
  }

  void barrier(body& b, const opcode& o, const std::vector<operand>& operands, std::string_view text) {
    const bool reduces = o.has("red");
    if (o.has("arrive")) {
      add(text, nullptr);
      return;
    }
    const std::size_t from = reduces ? 1 : 0, end = operands.size() - (reduces ? 1 : 0);
    const int predicate = reduces ? predicate_of(b, operands.back(), text) : none;
    instruction& i = add(text, run_nothing);
    i.what = instruction::kind::barrier;
    i.sources[0] = register_of(b, operands[from]);
    if (end > from + 1) i.sources[1] = register_of(b, operands[from + 1]);
    if (!reduces) return;
    i.sources[2] = predicate;
    i.destinations[0] = register_of(b, operands[0]);
    i.detail = o.has("popc") ? 1 : o.has("and") ? 2 : 3;
  }

  void collective(body& b, const opcode& o, const std::vector<operand>& operands, std::string_view text) {
    const bool has_result = o.root() != "bar";
    std::array<int, 6> sources{none, none, none, none, none, none};
    sources[0] = register_of(b, operands.back());
    for (std::size_t k = 1; k + 1 < operands.size(); ++k)
      sources[k] = o.root() == "vote" ? predicate_of(b, operands[k], text) : register_of(b, operands[k]);
    instruction& i = add(text, collective_operation(o));
    if (i.run != run_unknown) i.what = instruction::kind::collective;
    i.sources = sources;
    if (!has_result) return;
    i.destinations[0] = register_of(b, operands[0]);
    if (!operands[0].second.empty()) i.destinations[1] = register_of(b, operands[0].second);
  }

  /// Decodes "setp.lt.and.f32 p|q, x, y, c": p is (x < y) and c, q is not (x < y) and c.
  void compare(body& b, const opcode& o, const std::vector<operand>& operands, std::string_view text) {
    const bool combines = operands.size() == 4, second = !operands[0].second.empty();
    const int p = register_of(b, operands[0]);
    const int result = combines || second ? new_register() : p;
    const int x = register_of(b, operands[1]), y = register_of(b, operands[2]);
    instruction& i = add(text, lanewise_operation(o));
    i.sources = {x, y, none, none, none, none};
    i.destinations[0] = result;
    if (!combines && !second) return;
    const int other = combines ? predicate_of(b, operands[3], text) : none;
    const auto combine = [&](int from, int to) {
      instruction& c = add(text, combines ? lanewise_operation(opcode{o.has("and")  ? "and.pred"
                                                                      : o.has("or") ? "or.pred"
                                                                                    : "xor.pred"})
                                          : run_move_predicate);
      c.sources[0] = from;
      c.sources[1] = other;
      c.destinations[0] = to;
    };
    if (second) {
      instruction& inverse = add(text, lanewise_operation(opcode{"not.pred"}));
      inverse.sources[0] = result;
      const int opposite = inverse.destinations[0] = new_register();
      combine(opposite, register_of(b, operands[0].second));
    }
    combine(result, p);
  }

  /// Puts the instructions of a function in the place of its call.
  void call(body& b, const std::vector<token>& tokens, std::size_t at, std::string_view text) {
    const auto list = [&] {
      std::vector<token> names;
      for (++at; tokens[at] != ")"; ++at)
        if (tokens[at] != ",") names.push_back(tokens[at]);
      ++at;
      if (tokens[at] == ",") ++at;
      return names;
    };
    std::vector<token> results, arguments;
    if (tokens[at] == "(") results = list();
    const function_text* const function = module_.function(tokens[at++]);
    if (tokens[at] == ",") ++at;
    if (tokens[at] == "(") arguments = list();
    if (function == nullptr) {
      // printf, malloc, assert, and calls of pointers.
      add(text, nullptr);
      return;
    }
    if (b.depth == 40) stop("kernel " + readable(out_.name) + " calls a function that calls itself, which cuda_on_cpu does not support");
    body inner{.function = function, .depth = b.depth + 1};
    const auto pass = [&](const std::vector<variable>& formal, const std::vector<token>& actual) {
      for (std::size_t k = 0; k < formal.size() && k < actual.size(); ++k)
        if (const variable* const v = variable_named(b, actual[k])) inner.scopes.front().variables[formal[k].name] = *v;
    };
    pass(function->results, results);
    pass(function->parameters, arguments);
    decode(inner);
  }

  ptx_module& module_;
  kernel out_;
  std::map<std::uint64_t, int> constants_;
  std::map<int, std::uint64_t> constant_values_;
  std::map<special, int> specials_;
  std::map<token, std::uint64_t> shared_;
  /// Registers that hold the start of dynamic shared memory.
  std::vector<int> dynamic_shared_;
};

}  // namespace

opcode::opcode(std::string_view name) {
  for (std::size_t from = 0; from <= name.size();) {
    const std::size_t dot = std::min(name.find('.', from), name.size());
    parts.push_back(name.substr(from, dot - from));
    if (const auto t = type_named(parts.back())) types.push_back(*t);
    from = dot + 1;
  }
}

bool opcode::has(std::string_view part) const { return std::find(parts.begin(), parts.end(), part) != parts.end(); }

kernel decode_kernel(ptx_module& from, const function_text& text) { return decoder{from, text}.take(); }

}  // namespace cuda_on_cpu
