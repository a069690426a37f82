// SPDX-License-Identifier: MIT
/// @file
/// summary: a network as a table of text.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/core/type_name.hpp>
#include <typenet/graph/names.hpp>
#include <typenet/graph/visit.hpp>
#include <typenet/layer/compositions.hpp>
#include <typenet/layer/tensor_spec.hpp>
#include <typenet/network.hpp>

namespace typenet {

namespace detail {

/// A number with separators of thousands: "61,740".
/// @pre `number` ≥ 0
inline std::string grouped(index number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

/// A number of bytes in a unit that suits it: 246960 is "241.2 KiB".
inline std::string readable_bytes(index bytes) {
  constexpr const char* units[] = {" B", " KiB", " MiB", " GiB", " TiB"};
  int unit = 0;
  index scale = 1;
  for (; unit < 4 && bytes >= 1024 * scale; ++unit) scale *= 1024;
  if (unit == 0) return std::to_string(bytes) + units[0];
  // Rounds to tenths with integers, so the text is equal on all machines.
  const index tenths = bytes / scale * 10 + (bytes % scale * 10 + scale / 2) / scale;
  return grouped(tenths / 10) + "." + std::to_string(tenths % 10) + units[unit];
}

/// The shape of a batch of N samples: "[N, 6, 28, 28]".
inline std::string batch_shape(shape s) {
  std::string text = "[N";
  for (int axis = 0; axis < s.rank; ++axis) text += ", " + std::to_string(s[axis]);
  return text + "]";
}

/// A table of `Rows` rows with the cells name, layer, output, parameters and multiply-accumulates. Numbers are right-aligned.
template <int Rows>
struct summary_table {
  /// The text of each cell, [row][column]. Row 0 is the heading.
  std::array<std::array<std::string, 5>, static_cast<std::size_t>(Rows)> cells;
  int used = 0;  ///< rows filled

  /// Fills the next row.
  /// @param depth number of compositions that the layer is in; its name is indented by two spaces for each
  void add(const tensor_name& path, int depth, std::string_view layer, shape out, std::string parameters, std::string macs) {
    std::string name(static_cast<std::size_t>(2 * depth), ' ');
    name += path.view();
    cells[static_cast<std::size_t>(used++)] = {std::move(name), std::string{layer}, batch_shape(out), std::move(parameters),
                                               std::move(macs)};
  }
  /// The table as text, with a rule below the heading and below the last row.
  [[nodiscard]] std::string text() const {
    constexpr std::size_t columns = 5;
    std::size_t width[columns] = {};
    for (const auto& row : cells)
      for (std::size_t c = 0; c < columns; ++c) width[c] = row[c].size() > width[c] ? row[c].size() : width[c];
    std::size_t total = 2 * (columns - 1);
    for (const std::size_t w : width) total += w;
    const std::string rule = std::string(total, '-') + "\n";
    std::string all;
    for (const auto& row : cells) {
      std::string line;
      for (std::size_t c = 0; c < columns; ++c) {
        const std::string gap(width[c] - row[c].size(), ' ');
        line += c == 0 ? "" : "  ";
        line += c < 3 ? row[c] + gap : gap + row[c];
      }
      all += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
      if (&row == &cells.front()) all += rule;
    }
    return all + rule;
  }
};

/// The rows of a layer or a composition. `add` fills them and returns the output's shape; `count` is their number.
template <class L>
struct summary_rows {
  static constexpr int count = 1;
  template <class Table>
  static shape add(Table& table, shape in, const tensor_name& path, int depth) {
    index parameters = 0;
    for (const parameter_spec& p : L::parameters(in)) parameters += p.size();
    const index macs = L::macs(in);
    const shape out = L::output(in);
    table.add(path, depth, type_text<L>().view(), out, parameters > 0 ? grouped(parameters) : "-", macs > 0 ? grouped(macs) : "-");
    return out;
  }
};

/// Fills the rows of member `i` of a composition whose path is `path`.
template <class L, class Table>
shape add_child_rows(Table& table, shape in, const tensor_name& path, int depth, int i) {
  tensor_name own = path;
  if (own.length > 0) own.append(".");
  child_name<L>::append(own, i);
  return summary_rows<L>::add(table, in, own, depth);
}

/// The rows of layers one after another.
template <class... Members>
struct chain_rows {
  static constexpr int count = (summary_rows<Members>::count + ... + 0);
  template <class Table>
  static void add(Table& table, shape in, const tensor_name& path, int depth) {
    int i = 0;
    ((in = add_child_rows<Members>(table, in, path, depth, i++)), ...);
  }
};
/// The row of a composition, then the rows of its members one after another.
template <class Whole, class... Members>
struct composition_rows {
  static constexpr int count = 1 + chain_rows<Members...>::count;
  template <class Table>
  static shape add(Table& table, shape in, const tensor_name& path, int depth) {
    const shape out = output_of<Whole>(in);
    table.add(path, depth, template_name<Whole>().view(), out, "", "");
    chain_rows<Members...>::add(table, in, path, depth + 1);
    return out;
  }
};
template <class... Layers>
struct summary_rows<sequential<Layers...>> : composition_rows<sequential<Layers...>, Layers...> {};
template <class... Body>
struct summary_rows<residual<Body...>> : composition_rows<residual<Body...>, Body...> {};
template <class... Branches>
struct summary_rows<concat<Branches...>> {
  static constexpr int count = 1 + (summary_rows<Branches>::count + ... + 0);
  template <class Table>
  static shape add(Table& table, shape in, const tensor_name& path, int depth) {
    const shape out = output_of<concat<Branches...>>(in);
    table.add(path, depth, "concat", out, "", "");
    int i = 0;
    (add_child_rows<Branches>(table, in, path, depth + 1, i++), ...);
    return out;
  }
};
template <named_layer L>
struct summary_rows<L> : summary_rows<typename L::layer> {};

/// The table of a network.
template <class Network>
struct summary_of;
template <class Input, class... Layers>
struct summary_of<network<Input, Layers...>> {
  static std::string table() {
    summary_table<2 + chain_rows<Layers...>::count> t;
    t.cells[0] = {"Name", "Layer", "Output", "Parameters", "MACs"};
    t.cells[1] = {"", "input", batch_shape(Input::value), "", ""};
    t.used = 2;
    chain_rows<Layers...>::add(t, Input::value, tensor_name{}, 0);
    return t.text();
  }
};

}  // namespace detail

/// A network as text: a table of its layers, the totals, and the bytes of memory for a batch.
///
/// The table has a row for each layer: name, type, output shape (N is the batch size), learned numbers, and multiply-accumulates of one
/// sample. The members of a composition are indented below it. Activations are the input and the values between layers. Workspace is the
/// memory that training needs in addition.
/// @tparam Network an instance of `network`
/// @tparam Of what the bytes are given for: a backend, or a scalar type, which stands for the CPU's backend of that scalar
/// @param batch the batch size that the bytes are given for
template <class Network, class Of = float>
[[nodiscard]] std::string summary(index batch = 32) {
  const auto line = [](std::string label, const std::string& value, const std::string& rest) {
    label.resize(14, ' ');
    return label + value + rest + "\n";
  };
  using scalar = typename detail::memory_user<Of>::scalar;
  std::string text = detail::summary_of<Network>::table();
  text += line("Parameters", detail::grouped(Network::parameter_count), "");
  text += line("Buffers", detail::grouped(Network::buffer_count), "");
  text += line("MACs", detail::grouped(Network::macs), " a sample");
  text += "\nMemory for a batch of " + std::to_string(batch) + ", at " + std::to_string(sizeof(scalar)) + " bytes a number\n";
  text += line("Parameters", detail::readable_bytes(Network::template parameter_bytes<scalar>), "");
  text += line("Activations", detail::readable_bytes(Network::template activation_bytes<Of>(batch)), "");
  text += line("Workspace", detail::readable_bytes(Network::template workspace_bytes<Of>(batch)), " more to train");
  return text;
}

}  // namespace typenet
