// SPDX-License-Identifier: MIT
/// @file
/// The network type: its shapes, parameters and memory, all known when it is declared.
#pragma once

#include <array>
#include <string_view>

#include <typenet/graph/lowered_network.hpp>
#include <typenet/kernels/chain.hpp>

namespace typenet {

/// The shape of one sample: `input<features>` or `input<channels, height, width>`.
template <int... Extents>
struct input {
  static constexpr bool one_or_three = sizeof...(Extents) == 1 || sizeof...(Extents) == 3;
  static constexpr bool positive = ((Extents > 0) && ...);
  static constexpr shape value = [] {
    if constexpr (one_or_three)
      return shape{Extents...};
    else
      return shape{};
  }();
};

template <class Input = void, class... Layers>
struct network;

/// A dotted name such as "features.0.weight", of at most 79 characters.
struct tensor_name {
  char characters[80] = {};
  int length = 0;
  bool too_long = false;

  constexpr tensor_name() = default;
  constexpr explicit tensor_name(std::string_view text) { append(text); }
  constexpr void append(std::string_view text) {
    for (const char c : text) {
      if (length == 79)
        too_long = true;
      else
        characters[length++] = c;
    }
  }
  constexpr void append(int number) {
    if (number > 9) append(number / 10);
    const char digit = static_cast<char>('0' + number % 10);
    append(std::string_view{&digit, 1});
  }
  [[nodiscard]] constexpr std::string_view view() const { return {characters, static_cast<std::size_t>(length)}; }
  // NOLINTNEXTLINE(google-explicit-constructor): a name is text
  constexpr operator std::string_view() const { return view(); }
  friend constexpr bool operator==(const tensor_name& a, std::string_view b) { return a.view() == b; }
};

/// A parameter of a network: what its layer says of it, its full name, and where it lies.
struct parameter_info {
  tensor_name name;
  parameter_spec spec;
  /// Position in the parameter arena, a multiple of `tensor_alignment`.
  index offset = 0;
  [[nodiscard]] constexpr index size() const { return spec.size(); }
};

/// A buffer of a network, likewise.
struct buffer_info {
  tensor_name name;
  buffer_spec spec;
  index offset = 0;
  [[nodiscard]] constexpr index size() const { return spec.size(); }
};

namespace detail {

template <class T>
struct input_traits {
  static constexpr bool is_input = false;
};
template <int... Extents>
struct input_traits<input<Extents...>> {
  static constexpr bool is_input = true;
};

/// The lowered network, or the one thing that is wrong with it.
template <class Input, class... Layers>
struct analysis {
  static constexpr auto find() {
    if constexpr (std::is_void_v<Input>) {
      return rejected<at<>, network<void>, needs::an_input_and_layers, got<>>{};
    } else if constexpr (!input_traits<Input>::is_input) {
      return rejected<at<>, Input, needs::an_input_first, got<>>{};
    } else if constexpr (!Input::one_or_three) {
      return rejected<at<>, Input, needs::one_or_three_extents, got<>>{};
    } else if constexpr (!Input::positive) {
      return rejected<at<>, Input, needs::positive_sizes, got<>>{};
    } else if constexpr (sizeof...(Layers) == 0) {
      return rejected<at<>, Input, needs::at_least_one_layer, got<>>{};
    } else {
      using whole = typename lower_children<Input::value, 0, 1, at<>, Layers...>::type;
      if constexpr (!whole::fits || makes_value<typename whole::ops>::value)
        return whole{};
      else  // only reshapes: the output must not be the caller's input itself
        return lowered<typename whole::ops::template append<copy_op<whole::out, whole::value, whole::next>>, whole::out, whole::next,
                       whole::next + 1>{};
    }
  }
  using type = decltype(find());
};

// ---- walking the tree, for names and the summary

/// Calls `leaf(name prefix, layer type, input shape)` for every layer that is not a composition, in order of execution.
template <class L>
struct walk {
  template <class Visitor>
  static constexpr shape visit(Visitor& visitor, shape in, const tensor_name& path) {
    visitor.template leaf<L>(path, in);
    return L::output(in);
  }
};

/// The layer by whose name or index its parameters go.
template <class L>
struct child_name {
  static constexpr void append(tensor_name& path, int i) { path.append(i); }
};
template <named_layer L>
struct child_name<L> {
  static constexpr void append(tensor_name& path, int) { path.append(L::word()); }
};

template <class L, class Visitor>
constexpr shape visit_child(Visitor& visitor, shape in, const tensor_name& path, int i) {
  tensor_name own = path;
  if (own.length > 0) own.append(".");
  child_name<L>::append(own, i);
  return walk<L>::visit(visitor, in, own);
}

template <class... Layers>
struct walk_chain {
  template <class Visitor>
  static constexpr shape visit(Visitor& visitor, shape in, const tensor_name& path) {
    int i = 0;
    ((in = visit_child<Layers>(visitor, in, path, i++)), ...);
    return in;
  }
};
template <class... Layers>
struct walk<sequential<Layers...>> : walk_chain<Layers...> {};
template <class... Body>
struct walk<residual<Body...>> : walk_chain<Body...> {};
template <class... Branches>
struct walk<concat<Branches...>> {
  template <class Visitor>
  static constexpr shape visit(Visitor& visitor, shape in, const tensor_name& path) {
    shape first{};
    int channels = 0, i = 0;
    const auto branch = [&]<class B>() {
      const shape out = visit_child<B>(visitor, in, path, i);
      if (i++ == 0) first = out;
      channels += out.channels();
    };
    (branch.template operator()<Branches>(), ...);
    return joined(first, channels);
  }
};
template <named_layer L>
struct walk<L> {
  template <class Visitor>
  static constexpr shape visit(Visitor& visitor, shape in, const tensor_name& path) {
    return walk<typename L::layer>::visit(visitor, in, path);
  }
};

/// The shape after each direct child, which may be a composition.
struct ignore_leaves {
  template <class L>
  constexpr void leaf(const tensor_name&, shape) {}
};

struct count_tensors {
  int parameters = 0, buffers = 0;
  index numbers = 0;  ///< in all the parameters
  index connections = 0;
  template <class L>
  constexpr void leaf(const tensor_name&, shape in) {
    for (const parameter_spec& spec : L::parameters(in)) numbers += spec.size();
    connections += L::connections(in);
    parameters += static_cast<int>(L::parameters(in).size());
    buffers += static_cast<int>(L::buffers(in).size());
  }
};

template <int Parameters, int Buffers>
struct collect_tensors {
  std::array<parameter_info, Parameters> parameters{};
  std::array<buffer_info, Buffers> buffers{};
  int parameter = 0, buffer = 0;
  index parameter_end = 0, buffer_end = 0;
  index parameter_count = 0, buffer_count = 0;

  template <class L>
  constexpr void leaf(const tensor_name& path, shape in) {
    for (const parameter_spec& spec : L::parameters(in)) {
      parameters[static_cast<std::size_t>(parameter++)] = {full(path, spec.name), spec, parameter_end};
      parameter_end = aligned(parameter_end + spec.size());
      parameter_count += spec.size();
    }
    for (const buffer_spec& spec : L::buffers(in)) {
      buffers[static_cast<std::size_t>(buffer++)] = {full(path, spec.name), spec, buffer_end};
      buffer_end = aligned(buffer_end + spec.size());
      buffer_count += spec.size();
    }
  }
  static constexpr tensor_name full(const tensor_name& path, std::string_view name) {
    tensor_name whole = path;
    whole.append(".");
    whole.append(name);
    return whole;
  }
  [[nodiscard]] constexpr bool names_fit() const {
    for (const parameter_info& p : parameters)
      if (p.name.too_long) return false;
    for (const buffer_info& b : buffers)
      if (b.name.too_long) return false;
    return true;
  }
};

/// What is known of a network that fits.
template <bool Fits, class Result, class Input, class... Layers>
struct network_facts {
 private:
  using chain = walk_chain<Layers...>;
  static constexpr auto tensor_counts = [] {
    count_tensors count;
    chain::visit(count, Input::value, tensor_name{});
    return count;
  }();
  static constexpr auto tensors = [] {
    collect_tensors<tensor_counts.parameters, tensor_counts.buffers> collect;
    chain::visit(collect, Input::value, tensor_name{});
    return collect;
  }();
  /// One of the counts, for each layer.
  static constexpr auto count_by_layer(index count_tensors::* what) {
    std::array<index, sizeof...(Layers)> counts{};
    shape now = Input::value;
    int i = 0;
    const auto one = [&]<class L>() {
      count_tensors count;
      now = walk<L>::visit(count, now, tensor_name{});
      counts[static_cast<std::size_t>(i++)] = count.*what;
    };
    (one.template operator()<Layers>(), ...);
    return counts;
  }
  template <class Op>
  static constexpr index macs_of_one() {
    if constexpr (Op::info.what == op_info::kind::layer)
      return Op::layer::macs(Op::in);
    else
      return 0;
  }
  template <class... Ops>
  static constexpr index macs_of(op_list<Ops...>) {
    return (macs_of_one<Ops>() + ...);
  }

 public:
  using operations = typename Result::ops;
  /// All that kernels know of it; and the same with each layer by itself, to compare.
  using lowered = lowered_network<Input::value, typename fuse<operations, Result::value>::type, Result::out, Result::value, Result::next>;
  using unfused = lowered_network<Input::value, operations, Result::out, Result::value, Result::next>;

  /// Shape of one sample, and of what comes out for it.
  static constexpr shape input_shape = Input::value;
  static constexpr shape output_shape = Result::out;
  /// Which output names the class.
  static constexpr best_score best_output = lowered::best_output;
  static constexpr int layer_count = static_cast<int>(sizeof...(Layers));
  /// The shape after each layer.
  static constexpr std::array<shape, sizeof...(Layers)> shapes = [] {
    std::array<shape, sizeof...(Layers)> after{};
    ignore_leaves none;
    shape now = Input::value;
    int i = 0;
    ((after[static_cast<std::size_t>(i++)] = now = walk<Layers>::visit(none, now, tensor_name{})), ...);
    return after;
  }();

  /// Learned numbers in all, and in each layer.
  static constexpr index parameter_count = tensors.parameter_count;
  static constexpr std::array<index, sizeof...(Layers)> layer_parameter_counts = count_by_layer(&count_tensors::numbers);
  /// Every parameter, and every buffer, in PyTorch's order and by PyTorch's names.
  static constexpr auto& parameters = tensors.parameters;
  static constexpr auto& buffers = tensors.buffers;
  static constexpr index buffer_count = tensors.buffer_count;
  /// Scalars in the arenas that hold them, each tensor aligned.
  static constexpr index parameter_arena = tensors.parameter_end;
  static constexpr index buffer_arena = tensors.buffer_end;

  /// Multiply-accumulates of one forward pass of one sample.
  static constexpr index macs = macs_of(operations{});
  /// What the outputs of its layers read, biases counted, in all and in each layer (LeCun et al. 1998).
  static constexpr index connections = tensor_counts.connections;
  static constexpr std::array<index, sizeof...(Layers)> layer_connections = count_by_layer(&count_tensors::connections);

  template <bool InPlace = true>
  static constexpr auto memory = lowered::template memory<InPlace>;

  /// Samples for which room is made when a batch has `batch`: whole groups of `lanes`.
  static constexpr index padded_batch(index batch, index lanes = 16) { return ceil_div(batch, lanes) * lanes; }
  /// Scalars that layers work with besides, for a padded batch.
  static constexpr index scratch_size(index padded) { return lowered::scratch_size(padded); }

  /// Bytes of the learned numbers, without padding.
  template <class Scalar = float>
  static constexpr index parameter_bytes = parameter_count * index{sizeof(Scalar)};
  /// Bytes of every value between the layers for a batch, the input included.
  template <class Scalar = float>
  static constexpr index activation_bytes(index batch, index lanes = 16) {
    return padded_batch(batch, lanes) * (input_shape.size() + memory<>.activations) * index{sizeof(Scalar)};
  }
  /// Bytes that training needs besides: the gradients of those values and of the parameters, and what layers work with.
  template <class Scalar = float>
  static constexpr index workspace_bytes(index batch, index lanes = 16) {
    const index padded = padded_batch(batch, lanes);
    return (padded * memory<>.gradients + parameter_arena + padded / lanes * detail::group_plan<lowered>::sums + scratch_size(padded)) *
           index{sizeof(Scalar)};
  }

  /// Visits every layer, compositions opened, as `visitor.leaf<Layer>(name, input shape)`.
  template <class Visitor>
  static constexpr void visit(Visitor& visitor) {
    chain::visit(visitor, Input::value, tensor_name{});
  }

 private:
  static constexpr bool names_fit = tensors.names_fit();
  static_assert(names_fit, "typenet: a parameter's name is longer than 79 characters; shorten the words in named<>");
};

/// What stands for a fact of a network that cannot be: equal to whatever it is compared with, lest one mistake be reported twice.
struct unknown_shape {
  int rank = 1;
  [[nodiscard]] static constexpr int channels() { return 1; }
  [[nodiscard]] static constexpr int height() { return 1; }
  [[nodiscard]] static constexpr int width() { return 1; }
  [[nodiscard]] static constexpr int area() { return 1; }
  [[nodiscard]] static constexpr int size() { return 1; }
  [[nodiscard]] constexpr int operator[](int) const { return 1; }
  // NOLINTNEXTLINE(google-explicit-constructor): stands for a shape
  constexpr operator shape() const { return shape{1}; }
  template <class Other>
  friend constexpr bool operator==(const unknown_shape&, const Other&) {
    return true;
  }
};
struct unknown_shapes {
  constexpr unknown_shape operator[](std::size_t) const { return {}; }
};
struct unknown_count {
  // NOLINTNEXTLINE(google-explicit-constructor): stands for a number
  constexpr operator index() const { return 0; }
  template <class Number>
  friend constexpr bool operator==(unknown_count, Number) {
    return true;
  }
};

/// The only layer of the network that stands in for one that cannot be.
struct stand_in : layer_defaults {
  static constexpr bool only_reshapes = true;
  static constexpr bool backward_reads_input = false;
  template <shape In>
  static constexpr auto check() {
    return accepted{};
  }
  static constexpr shape output(shape in) { return in; }
};
using stand_in_facts = network_facts<true, typename analysis<input<1>, stand_in>::type, input<1>, stand_in>;

#if defined(__cpp_static_assert) && __cpp_static_assert >= 202306L
/// A function whose return type must be deduced, because what follows a failed assertion in a class is lost to clang.
template <class Input, class Rejected>
constexpr auto report() {
  static_assert(!sizeof(Input*), Rejected::text());
  return true;
}
#endif

/// Stops compilation with the one message, and leaves a network behind with which the rest of a program compiles.
template <class Where, class Layer, class Needs, class Got, class Input, class... Layers>
struct network_facts<false, rejected<Where, Layer, Needs, Got>, Input, Layers...> : stand_in_facts {
#if defined(__cpp_static_assert) && __cpp_static_assert >= 202306L
  using reported = decltype(report<Input, rejected<Where, Layer, Needs, Got>>());
#else
  // The undefined type's name is the message.
  static_assert(sizeof(layer_error<Where, Layer, Needs, Got>) != 0,
                "typenet: a layer cannot take what reaches it; layer_error<> says where");
#endif
  static constexpr unknown_shape input_shape{};
  static constexpr unknown_shape output_shape{};
  static constexpr unknown_shapes shapes{};
  static constexpr unknown_count parameter_count{};
  static constexpr unknown_count buffer_count{};
  static constexpr unknown_count macs{};
  static constexpr unknown_count connections{};
};

template <class Input, class... Layers>
using network_facts_of = network_facts<analysis<Input, Layers...>::type::fits, typename analysis<Input, Layers...>::type, Input, Layers...>;

}  // namespace detail

/// A network as a type: an `input` and the layers that follow, checked one by one as the type is named. A layer that cannot
/// take what reaches it stops compilation with one message that names its index, itself, its need and what it got.
///
/// ```
/// using lenet = network<input<1, 28, 28>, conv2d<6, 5>, relu, max_pool2d<2>, flatten, linear<10>>;
/// static_assert(lenet::output_shape == shape{10});
/// ```
template <class Input, class... Layers>
struct network : detail::network_facts_of<Input, Layers...> {
  static constexpr bool fits = detail::analysis<Input, Layers...>::type::fits;
};

/// Any instance of `network`.
template <class T>
concept network_type = requires {
  { T::fits } -> std::convertible_to<bool>;
  T::input_shape;
  T::output_shape;
  T::parameter_count;
};

}  // namespace typenet
