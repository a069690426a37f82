// SPDX-License-Identifier: MIT
// Executes memory plans on tags instead of numbers. Every operation must find the tags that it reads, forward and backward. The gradient of
// each value must equal the gradient computed with separate memory for each value.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "networks.hpp"

namespace tn = typenet;
using tn::index;
using tn::detail::op_info;

namespace {

using number = std::uint64_t;
using numbers = std::vector<number>;

number mix(number a, number b) {
  number x = (a + 1) * 0x9E3779B97F4A7C15u ^ (b + 1) * 0xC2B2AE3D27D4EB4Fu;
  x ^= x >> 29;
  x *= 0xBF58476D1CE4E5B9u;
  return (x ^ (x >> 32)) | 1u;
}

struct value_place {
  index offset;
  bool in_input;
};

struct plan_view {
  std::string name;
  std::vector<op_info> ops;
  std::vector<value_place> values;
  std::vector<index> saved;
  std::vector<bool> accumulates, accumulates_second, reads_network_input;
  index activations, gradients;
  int input_size, output_value;
};

template <class Compiled, bool InPlace>
plan_view view_of() {
  constexpr auto plan = Compiled::template memory<InPlace>;
  plan_view p;
  p.name = InPlace ? "in place: " : "apart: ";
  p.name += tn::detail::type_name<Compiled>().view();
  p.ops.assign(Compiled::op_infos.begin(), Compiled::op_infos.end());
  for (const auto& v : plan.values) p.values.push_back({v.offset, v.in_input});
  p.saved.assign(plan.saved.begin(), plan.saved.end());
  p.accumulates.assign(plan.accumulates.begin(), plan.accumulates.end());
  p.accumulates_second.assign(plan.accumulates_second.begin(), plan.accumulates_second.end());
  p.reads_network_input.assign(plan.reads_network_input.begin(), plan.reads_network_input.end());
  p.activations = plan.activations;
  p.gradients = plan.gradients;
  p.input_size = Compiled::input_shape.size();
  p.output_value = Compiled::output_value;
  return p;
}

class machine {
 public:
  explicit machine(const plan_view& plan) : p(plan), size_of(p.values.size(), 0), truth(p.values.size()), arena(at(p.activations), 0) {
    size_of[0] = p.input_size;
    for (const op_info& op : p.ops) size_of[at(op.output)] = op.output_size;
    for (std::size_t v = 0; v < truth.size(); ++v) truth[v].assign(at(size_of[v]), 0);
    for (std::size_t e = 0; e < truth[0].size(); ++e) truth[0][e] = mix(0, e);
    input = truth[0];
  }

  void forward() {
    for (std::size_t i = 0; i < p.ops.size(); ++i) {
      const op_info& op = p.ops[i];
      const numbers& source = truth[at(op.input)];
      numbers& target = truth[at(op.output)];
      if (op.what == op_info::kind::join) {
        for (std::size_t e = 0; e < source.size(); ++e) {
          REQUIRE(target[at(op.offset_in_output) + e] == 0);
          target[at(op.offset_in_output) + e] = source[e];
        }
        expect(op.input, i, "joins");
        continue;
      }
      expect(op.input, i, "reads");
      if (op.second >= 0) expect(op.second, i, "reads as its second");
      if (op.only_reshapes) {
        target = source;
        expect(op.output, i, "reshapes");
        continue;
      }
      const value_place& place = p.values[at(op.output)];
      REQUIRE_FALSE(place.in_input);
      REQUIRE(place.offset >= 0);
      REQUIRE(place.offset + size_of[at(op.output)] <= p.activations);
      if (!op.in_place || overlaps(op.input, op.output)) {
        // An output lies either exactly on its input or apart from it.
        const value_place& from = p.values[at(op.input)];
        const bool same_place = !from.in_input && from.offset == place.offset && op.in_place;
        CHECK_MESSAGE((same_place || !overlaps(op.input, op.output)), "operation " << i);
      }
      if (op.second >= 0) CHECK_FALSE(overlaps(op.second, op.output));
      for (std::size_t e = 0; e < target.size(); ++e) {
        target[e] = mix(i + 1, e);
        arena[at(place.offset) + e] = target[e];
      }
      REQUIRE(p.saved[i] + op.saved <= p.activations);
      for (index s = 0; s < op.saved; ++s) arena[at(p.saved[i] + s)] = mix(1000 + i, static_cast<number>(s));
    }
    // Every operation has run: the joined values are complete.
    for (const op_info& op : p.ops)
      if (op.what == op_info::kind::join)
        for (const number t : truth[at(op.output)]) CHECK(t != 0);
    expect(p.output_value, p.ops.size(), "is the result of");
  }

  void backward() {
    const std::vector<numbers> wanted = gradients_apart();
    numbers gradient(at(p.gradients), poison), input_gradient(input.size(), poison);
    const auto cell = [&](int v, std::size_t e) -> number& {
      const value_place& place = p.values[at(v)];
      return place.in_input ? input_gradient[at(place.offset) + e] : gradient[at(place.offset) + e];
    };
    for (std::size_t e = 0; e < truth[at(p.output_value)].size(); ++e) cell(p.output_value, e) = mix(77, e);
    for (std::size_t i = p.ops.size(); i-- > 0;) {
      const op_info& op = p.ops[i];
      if (op.only_reshapes) continue;
      CAPTURE(i);
      if (op.reads_input) expect(op.input, i, "reads, going back,");
      if (op.reads_output) expect(op.output, i, "reads as its output, going back,");
      for (index s = 0; s < op.saved; ++s) CHECK(arena[at(p.saved[i] + s)] == mix(1000 + i, static_cast<number>(s)));
      numbers incoming(at(size_of[at(op.output)]));
      bool right = true;
      for (std::size_t e = 0; e < incoming.size(); ++e) {
        incoming[e] = cell(op.output, e);
        right = right && incoming[e] == wanted[at(op.output)][e];
      }
      CHECK_MESSAGE(right, "gradient that reaches operation " << i << " of " << p.name);
      const numbers outgoing = back(i, incoming);
      for (std::size_t e = 0; e < outgoing.size(); ++e) {
        number& to = cell(op.input, e);
        to = p.accumulates[i] ? to + outgoing[e] : outgoing[e];
      }
      if (op.second >= 0)
        for (std::size_t e = 0; e < outgoing.size(); ++e) {
          number& to = cell(op.second, e);
          to = p.accumulates_second[i] ? to + outgoing[e] : outgoing[e];
        }
    }
    CHECK_MESSAGE(input_gradient == wanted[0], "gradient of the input of " << p.name);
  }

  /// Checks that `reads_network_input` is set exactly for operations whose input lies in the network's input.
  void input_flags() const {
    for (std::size_t i = 0; i < p.ops.size(); ++i) CHECK(p.reads_network_input[i] == p.values[at(p.ops[i].input)].in_input);
  }

 private:
  static constexpr number poison = 0xDEADBEEFDEADBEEFu;
  static std::size_t at(index i) { return static_cast<std::size_t>(i); }

  bool overlaps(int a, int b) const {
    const value_place &x = p.values[at(a)], &y = p.values[at(b)];
    return x.in_input == y.in_input && x.offset < y.offset + size_of[at(b)] && y.offset < x.offset + size_of[at(a)];
  }
  void expect(int value, std::size_t op, const char* does) const {
    const value_place& place = p.values[at(value)];
    REQUIRE(place.offset + size_of[at(value)] <= (place.in_input ? static_cast<index>(input.size()) : p.activations));
    bool intact = true;
    for (std::size_t e = 0; e < truth[at(value)].size(); ++e) {
      const number found = place.in_input ? input[at(place.offset) + e] : arena[at(place.offset) + e];
      intact = intact && found == truth[at(value)][e];
    }
    CHECK_MESSAGE(intact, "operation " << op << " " << does << " value " << value << ", which is gone, in " << p.name);
  }
  /// Returns the gradient of an operation's input. It is a linear map of the output's gradient with coefficients of the operation.
  numbers back(std::size_t i, const numbers& incoming) const {
    const op_info& op = p.ops[i];
    if (op.what != op_info::kind::layer) return incoming;
    numbers out(at(size_of[at(op.input)]), 0);
    const std::size_t longest = out.size() > incoming.size() ? out.size() : incoming.size();
    for (std::size_t t = 0; t < longest; ++t) out[t % out.size()] += mix(500 + i, t) * incoming[t % incoming.size()];
    return out;
  }
  /// Returns the gradient of every value, `[value][element]`, computed in separate memory.
  std::vector<numbers> gradients_apart() const {
    std::vector<numbers> g(truth.size());
    for (std::size_t v = 0; v < g.size(); ++v) g[v].assign(truth[v].size(), 0);
    for (std::size_t e = 0; e < g[at(p.output_value)].size(); ++e) g[at(p.output_value)][e] = mix(77, e);
    for (std::size_t i = p.ops.size(); i-- > 0;) {
      const op_info& op = p.ops[i];
      numbers& to = g[at(op.input)];
      if (op.what == op_info::kind::join) {
        for (std::size_t e = 0; e < to.size(); ++e) to[e] += g[at(op.output)][at(op.offset_in_output) + e];
        continue;
      }
      const numbers out = op.only_reshapes ? g[at(op.output)] : back(i, g[at(op.output)]);
      for (std::size_t e = 0; e < to.size(); ++e) to[e] += out[e];
      if (op.second >= 0)
        for (std::size_t e = 0; e < out.size(); ++e) g[at(op.second)][e] += out[e];
    }
    return g;
  }

  const plan_view& p;
  std::vector<index> size_of;
  std::vector<numbers> truth;
  numbers arena, input;
};

template <class Compiled, bool InPlace>
void check_one() {
  const plan_view plan = view_of<Compiled, InPlace>();
  machine m{plan};
  m.forward();
  m.backward();
  m.input_flags();
}
template <class Compiled>
void check_lowered() {
  check_one<Compiled, true>();
  check_one<Compiled, false>();
  CHECK(Compiled::template memory<true>.activations <= Compiled::template memory<false>.activations);
}
template <class Network>
void check() {
  check_lowered<typename Network::compiled>();
  check_lowered<typename Network::unfused>();
  CHECK(Network::compiled::template memory<true>.gradients <= Network::unfused::template memory<true>.gradients);
}

// ---- networks drawn at compile time: each block keeps the shape of an image of four channels, or of a vector of twelve numbers
constexpr unsigned next(unsigned seed) { return seed * 1664525u + 1013904223u; }
constexpr int draw(unsigned seed, int below) { return static_cast<int>((next(seed) >> 16) % static_cast<unsigned>(below)); }

template <unsigned Seed, int Depth, bool Image>
struct block;
template <unsigned Seed, int Depth, bool Image>
using block_t = typename block<Seed, Depth, Image>::type;

template <unsigned Seed, bool Image>
struct leaf {
  static constexpr int kind = draw(Seed, 9);
  static constexpr auto find() {
    if constexpr (kind == 0)
      return tn::relu{};
    else if constexpr (kind == 1)
      return tn::dropout<0.5>{};
    else if constexpr (kind == 2)
      return tn::leaky_relu<>{};
    else if constexpr (kind == 3)
      return tn::softmax{};
    else if constexpr (kind == 4)
      return tn::group_norm<2>{};
    else if constexpr (kind == 5)
      return tn::batch_norm<>{};
    else if constexpr (Image && kind == 6)
      return tn::max_pool2d<3, tn::stride<1>, tn::padding<1>>{};
    else if constexpr (Image)
      return tn::conv2d<4, 3, tn::padding<1>>{};
    else if constexpr (kind == 6)
      return tn::flatten{};
    else if constexpr (kind == 7)
      return tn::gaussian_rbf<12>{};
    else
      return tn::linear<12>{};
  }
  using type = decltype(find());
};
template <unsigned Seed, int Depth, bool Image>
struct block {
  static constexpr unsigned a = next(Seed), b = next(a), c = next(b);
  static constexpr int kind = draw(Seed, 6);
  using back = std::conditional_t<Image, tn::conv2d<4, 1>, tn::linear<12>>;
  static constexpr auto find() {
    if constexpr (Depth == 0 || kind == 0)
      return typename leaf<Seed, Image>::type{};
    else if constexpr (kind < 3)
      return tn::residual<block_t<a, Depth - 1, Image>, block_t<b, Depth - 1, Image>>{};
    else if constexpr (kind == 3)
      return tn::sequential<block_t<a, Depth - 1, Image>, block_t<b, Depth - 1, Image>, block_t<c, Depth - 1, Image>>{};
    else if constexpr (kind == 4)
      return tn::sequential<tn::concat<block_t<a, Depth - 1, Image>, block_t<b, Depth - 1, Image>>, back>{};
    else
      return tn::sequential<
          tn::concat<block_t<a, 0, Image>, block_t<b, Depth - 1, Image>, std::conditional_t<Image, tn::relu, tn::flatten>>, back>{};
  }
  using type = decltype(find());
};

template <unsigned Seed>
using drawn_image =
    tn::network<tn::input<4, 4, 3>, block_t<Seed, 3, true>, block_t<next(Seed + 100), 2, true>, tn::flatten, tn::relu, tn::linear<3>>;
template <unsigned Seed>
using drawn_vector = tn::network<tn::input<12>, block_t<Seed, 3, false>, block_t<next(Seed + 100), 2, false>>;

template <unsigned... Seeds>
void check_drawn(std::integer_sequence<unsigned, Seeds...>) {
  (check<drawn_image<Seeds>>(), ...);
  (check<drawn_vector<Seeds + 1000>>(), ...);
}

}  // namespace

TEST_CASE("plans of chains") {
  check<networks::lenet5>();
  check<tn::network<tn::input<4>, tn::relu>>();
  check<tn::network<tn::input<4>, tn::relu, tn::relu, tn::dropout<0.5>, tn::leaky_relu<>>>();
  check<tn::network<tn::input<1, 2, 2>, tn::flatten>>();
  check<tn::network<tn::input<4>, tn::flatten, tn::flatten>>();
  check<tn::network<tn::input<1, 4, 4>, tn::flatten, tn::relu, tn::flatten, tn::linear<2>, tn::flatten, tn::sigmoid>>();
  check<tn::network<tn::input<4>, tn::linear<4>, tn::dropout<0.5>, tn::relu, tn::dropout<0.5>, tn::softmax, tn::dropout<0.1>>>();
  check<tn::network<tn::input<4, 2, 2>, tn::group_norm<2>, tn::relu, tn::group_norm<4>, tn::flatten>>();
}

TEST_CASE("plans of compositions") {
  check<networks::nested>();
  check<tn::network<tn::input<4>, tn::residual<tn::relu>>>();
  check<tn::network<tn::input<4>, tn::residual<tn::flatten>>>();
  check<tn::network<tn::input<4>, tn::linear<4>, tn::residual<tn::flatten>, tn::relu>>();
  check<tn::network<tn::input<4>, tn::residual<tn::residual<tn::flatten>, tn::flatten>, tn::relu>>();
  check<tn::network<tn::input<4>, tn::linear<4>, tn::residual<tn::relu>, tn::residual<tn::residual<tn::linear<4>>, tn::dropout<0.5>>>>();
  check<tn::network<tn::input<4>, tn::concat<tn::flatten>>>();
  check<tn::network<tn::input<4>, tn::linear<4>, tn::concat<tn::relu>, tn::relu>>();
  check<tn::network<tn::input<4>, tn::concat<tn::flatten, tn::flatten, tn::relu>, tn::dropout<0.5>>>();
  check<
      tn::network<tn::input<4>, tn::linear<4>, tn::concat<tn::flatten, tn::sequential<tn::flatten, tn::relu>, tn::linear<2>>, tn::relu>>();
  check<tn::network<tn::input<4>, tn::concat<tn::concat<tn::flatten, tn::linear<2>>, tn::concat<tn::relu, tn::concat<tn::flatten>>>,
                    tn::relu>>();
  check<tn::network<tn::input<2, 3, 4>,
                    tn::residual<tn::concat<tn::conv2d<1, 1>, tn::residual<tn::conv2d<2, 3, tn::padding<1>>>>, tn::conv2d<2, 1>>,
                    tn::tanh>>();
  check<tn::network<tn::input<2, 3, 4>, tn::conv2d<2, 1>, tn::concat<tn::sequential<tn::flatten, tn::relu>, tn::flatten>, tn::linear<3>>>();
}

TEST_CASE("plans of networks drawn at random") { check_drawn(std::make_integer_sequence<unsigned, 10>{}); }

TEST_CASE("overwriting saves room where it may") {
  using may = tn::network<tn::input<8>, tn::linear<8>, tn::relu, tn::dropout<0.5>, tn::linear<2>>;
  // relu overwrites its input. The backward pass of relu reads its output, so dropout writes to other memory. dropout also saves one bit
  // per number.
  CHECK(may::memory<true>.activations == 8 + 8 + 1 + 2);
  CHECK(may::memory<false>.activations == 8 + 8 + 8 + 1 + 2);
  using may_not = tn::network<tn::input<8>, tn::relu, tn::leaky_relu<>>;
  CHECK(may_not::memory<true>.activations == 16);
  using joined = tn::network<tn::input<8>, tn::concat<tn::linear<3>, tn::linear<4>>>;
  CHECK(joined::memory<true>.activations == 7);
}
