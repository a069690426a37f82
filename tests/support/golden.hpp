// SPDX-License-Identifier: MIT
/// @file
/// Loads tests/golden/layers.json, the values that PyTorch computed (see tests/golden/README.md), into plain structs. Compares numbers with
/// them.
///
/// Arrays have PyTorch's order: batches are `[sample][channel][row][column]`, parameters are row-major.
/// golden_folder.hpp says where the file lies.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "golden_folder.hpp"

namespace golden {

/// A parameter, a buffer or a gradient with PyTorch's name ("0.weight"). A scalar has no extents and one value.
struct tensor {
  std::string name;
  std::vector<int> shape;
  std::vector<double> values;
};

/// One forward and backward pass in training mode. The gradients are from this pass only.
struct pass {
  int batch = 0;
  std::vector<double> input;
  std::vector<double> output;
  std::vector<double> grad_output;
  std::vector<double> grad_input;
  std::vector<tensor> parameter_gradients;  ///< one per parameter, in the order of the parameters
  std::vector<tensor> buffers_after;        ///< one per buffer, in the order of the buffers
};

/// A forward pass in evaluation mode. The batch is 0 if the file has none.
struct evaluation {
  int batch = 0;
  std::vector<double> input;
  std::vector<double> output;
};

/// A network, usually of one layer, with its inputs and results.
struct layer_case {
  std::string name;
  std::string network;  ///< the typenet type, as text
  std::vector<int> input_shape;
  std::vector<int> output_shape;
  std::vector<std::vector<int>> connections;  ///< [input channel][output channel], 0 or 1; empty without a connection table
  std::vector<tensor> parameters;             ///< in the order of PyTorch's state_dict
  std::vector<tensor> buffers;                ///< before the first pass
  std::vector<pass> passes;  ///< at least one; the parameters stay fixed, and each pass updates the buffers of the pass before it
  evaluation eval;           ///< after the last pass; present for networks with buffers
};

/// The loss of a batch of predictions with labels or with dense targets.
struct loss_case {
  std::string name;
  std::string loss;  ///< the typenet object, as text
  int batch = 0;
  std::vector<int> shape;
  std::vector<double> prediction;
  std::vector<int> labels;      ///< one per sample, or empty
  std::vector<double> targets;  ///< as many as predictions, or empty
  double value = 0;
  std::vector<double> grad_prediction;
};

struct training_batch {
  int batch = 0;
  std::vector<double> input;
  std::vector<int> labels;
};

/// The results of one optimizer for the training case.
struct training_run {
  std::string name;
  std::string optimizer;       ///< the typenet object, as text
  std::vector<double> losses;  ///< one per batch, computed before the step
  std::vector<tensor> parameters_after;
  std::vector<tensor> buffers_after;
};

/// A small network, trained for a few steps on given batches. Each optimizer starts from equal parameters.
struct training_case {
  std::string network;
  std::string loss;
  std::vector<int> input_shape;
  std::vector<tensor> parameters;
  std::vector<tensor> buffers;
  std::vector<training_batch> batches;
  std::vector<training_run> runs;
};

struct state_dict_entry {
  std::string name;
  std::string kind;  ///< "parameter" or "buffer"
  std::vector<int> shape;
};

/// The names and shapes of the state_dict of a network, in PyTorch's order.
struct state_dict_case {
  std::string network;
  int parameter_count = 0;
  std::vector<state_dict_entry> entries;
};

/// The content of layers.json.
struct collection {
  std::vector<layer_case> layers;
  std::vector<loss_case> losses;
  training_case training;
  state_dict_case state_dict;
};

namespace detail {

using nlohmann::json;

/// A JSON value with its path, which error messages state.
class node {
 public:
  node(const json& value, std::string where) : value_{&value}, where_{std::move(where)} {}

  [[noreturn]] void fail(const std::string& what) const { throw std::runtime_error{where_ + ": " + what}; }

  [[nodiscard]] bool has(const char* key) const { return value_->is_object() && value_->contains(key); }

  [[nodiscard]] node at(const char* key) const {
    if (!has(key)) fail(std::string{"missing \""} + key + "\"");
    return {value_->at(key), where_ + "." + key};
  }

  /// Returns the elements of a list. Each element is read by `read(node)`.
  template <class Read>
  [[nodiscard]] auto list(Read read) const {
    if (!value_->is_array()) fail("expected a list");
    std::vector<std::invoke_result_t<Read, node>> result;
    result.reserve(value_->size());
    for (std::size_t i = 0; i < value_->size(); ++i) {
      const json& element = (*value_)[i];
      std::string label = std::to_string(i);
      if (element.is_object() && element.contains("name") && element["name"].is_string())
        label = element["name"].template get<std::string>();
      result.push_back(read(node{element, where_ + "[" + label + "]"}));
    }
    return result;
  }

  [[nodiscard]] std::string text() const {
    if (!value_->is_string()) fail("expected a string");
    return value_->get<std::string>();
  }
  [[nodiscard]] double number() const {
    if (!value_->is_number()) fail("expected a number");
    return value_->get<double>();
  }
  [[nodiscard]] int integer() const {
    if (!value_->is_number_integer()) fail("expected an integer");
    return value_->get<int>();
  }
  // A plain loop: thousands of nodes would allocate a path string each.
  [[nodiscard]] std::vector<double> numbers() const {
    if (!value_->is_array()) fail("expected a list of numbers");
    std::vector<double> result;
    result.reserve(value_->size());
    for (const json& element : *value_) {
      if (!element.is_number()) fail("expected a list of numbers, found " + element.dump());
      result.push_back(element.get<double>());
    }
    return result;
  }
  [[nodiscard]] std::vector<double> numbers(std::size_t count) const {
    std::vector<double> result = numbers();
    if (result.size() != count) fail("expected " + std::to_string(count) + " numbers, found " + std::to_string(result.size()));
    return result;
  }
  [[nodiscard]] std::vector<int> integers() const {
    return list([](const node& element) { return element.integer(); });
  }

 private:
  const json* value_;
  std::string where_;
};

inline std::size_t size_of(const std::vector<int>& shape) {
  std::size_t size = 1;
  for (const int extent : shape) size *= static_cast<std::size_t>(extent);
  return size;
}

inline std::size_t size_of(int batch, const std::vector<int>& shape) { return static_cast<std::size_t>(batch) * size_of(shape); }

inline std::vector<tensor> read_tensors(const node& in) {
  return in.list([](const node& entry) {
    tensor result;
    result.name = entry.at("name").text();
    result.shape = entry.at("shape").integers();
    result.values = entry.at("values").numbers(size_of(result.shape));
    return result;
  });
}

/// Reads tensors. Their names and shapes must equal those of `like`.
inline std::vector<tensor> read_tensors(const node& in, const std::vector<tensor>& like) {
  std::vector<tensor> result = read_tensors(in);
  const auto same = [](const tensor& a, const tensor& b) { return a.name == b.name && a.shape == b.shape; };
  if (!std::equal(result.begin(), result.end(), like.begin(), like.end(), same)) in.fail("names or shapes differ from the case's own");
  return result;
}

inline layer_case read_layer(const node& in) {
  layer_case result;
  result.name = in.at("name").text();
  result.network = in.at("network").text();
  result.input_shape = in.at("input_shape").integers();
  result.output_shape = in.at("output_shape").integers();
  if (in.has("connections")) result.connections = in.at("connections").list([](const node& row) { return row.integers(); });
  result.parameters = read_tensors(in.at("parameters"));
  result.buffers = read_tensors(in.at("buffers"));
  result.passes = in.at("passes").list([&](const node& entry) {
    pass p;
    p.batch = entry.at("batch").integer();
    p.input = entry.at("input").numbers(size_of(p.batch, result.input_shape));
    p.output = entry.at("output").numbers(size_of(p.batch, result.output_shape));
    p.grad_output = entry.at("grad_output").numbers(size_of(p.batch, result.output_shape));
    p.grad_input = entry.at("grad_input").numbers(size_of(p.batch, result.input_shape));
    p.parameter_gradients = read_tensors(entry.at("parameter_gradients"), result.parameters);
    p.buffers_after = read_tensors(entry.at("buffers_after"), result.buffers);
    return p;
  });
  if (result.passes.empty()) in.fail("no passes");
  if (in.has("evaluation")) {
    const node entry = in.at("evaluation");
    result.eval.batch = entry.at("batch").integer();
    result.eval.input = entry.at("input").numbers(size_of(result.eval.batch, result.input_shape));
    result.eval.output = entry.at("output").numbers(size_of(result.eval.batch, result.output_shape));
  }
  return result;
}

inline loss_case read_loss(const node& in) {
  loss_case result;
  result.name = in.at("name").text();
  result.loss = in.at("loss").text();
  result.batch = in.at("batch").integer();
  result.shape = in.at("shape").integers();
  const std::size_t count = size_of(result.batch, result.shape);
  result.prediction = in.at("prediction").numbers(count);
  result.grad_prediction = in.at("grad_prediction").numbers(count);
  result.value = in.at("value").number();
  if (in.has("labels") == in.has("targets")) in.fail("expected either \"labels\" or \"targets\"");
  if (in.has("targets")) {
    result.targets = in.at("targets").numbers(count);
  } else {
    result.labels = in.at("labels").integers();
    if (result.labels.size() != static_cast<std::size_t>(result.batch)) in.fail("expected one label per sample");
  }
  return result;
}

inline training_case read_training(const node& in) {
  training_case result;
  result.network = in.at("network").text();
  result.loss = in.at("loss").text();
  result.input_shape = in.at("input_shape").integers();
  result.parameters = read_tensors(in.at("parameters"));
  result.buffers = read_tensors(in.at("buffers"));
  result.batches = in.at("batches").list([&](const node& entry) {
    training_batch b;
    b.batch = entry.at("batch").integer();
    b.input = entry.at("input").numbers(size_of(b.batch, result.input_shape));
    b.labels = entry.at("labels").integers();
    if (b.labels.size() != static_cast<std::size_t>(b.batch)) entry.fail("expected one label per sample");
    return b;
  });
  result.runs = in.at("runs").list([&](const node& entry) {
    training_run r;
    r.name = entry.at("name").text();
    r.optimizer = entry.at("optimizer").text();
    r.losses = entry.at("losses").numbers(result.batches.size());
    r.parameters_after = read_tensors(entry.at("parameters_after"), result.parameters);
    r.buffers_after = read_tensors(entry.at("buffers_after"), result.buffers);
    return r;
  });
  return result;
}

inline state_dict_case read_state_dict(const node& in) {
  state_dict_case result;
  result.network = in.at("network").text();
  result.parameter_count = in.at("parameter_count").integer();
  result.entries = in.at("entries").list(
      [](const node& entry) { return state_dict_entry{entry.at("name").text(), entry.at("kind").text(), entry.at("shape").integers()}; });
  return result;
}

template <class Case>
const Case& find(const std::vector<Case>& cases, std::string_view name, const char* what) {
  for (const Case& candidate : cases) {
    if (candidate.name == name) return candidate;
  }
  std::string message = std::string{"golden file: no "} + what + " called \"" + std::string{name} + "\"; it has";
  for (const Case& candidate : cases) message += " " + candidate.name;
  throw std::runtime_error{message};
}

}  // namespace detail

/// Reads a golden file.
/// @throws std::runtime_error with the file, the case and the field
[[nodiscard]] inline collection load(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) throw std::runtime_error{path + ": cannot be opened; tests/golden/layers.py writes it"};
  nlohmann::json document;
  try {
    document = nlohmann::json::parse(file);
  } catch (const nlohmann::json::exception& e) {
    throw std::runtime_error{path + ": " + e.what()};
  }
  const detail::node root{document, path};
  constexpr const char* format = "typenet golden layers 1";
  if (root.at("format").text() != format) root.fail("expected format \"" + std::string{format} + "\", found " + root.at("format").text());
  collection result;
  result.layers = root.at("layers").list(detail::read_layer);
  result.losses = root.at("losses").list(detail::read_loss);
  result.training = detail::read_training(root.at("training"));
  result.state_dict = detail::read_state_dict(root.at("state_dict"));
  return result;
}

/// Returns the committed golden file. It is read once per program.
[[nodiscard]] inline const collection& file() {
  static const collection loaded = load(folder() + "/layers.json");
  return loaded;
}

/// Returns the case with this name.
/// @throws std::runtime_error with the known names if no case has this name
[[nodiscard]] inline const layer_case& layer(std::string_view name) { return detail::find(file().layers, name, "layer case"); }
[[nodiscard]] inline const loss_case& loss(std::string_view name) { return detail::find(file().losses, name, "loss case"); }
[[nodiscard]] inline const training_run& run(std::string_view name) { return detail::find(file().training.runs, name, "training run"); }
[[nodiscard]] inline const tensor& find_tensor(const std::vector<tensor>& tensors, std::string_view name) {
  return detail::find(tensors, name, "tensor");
}

/// The largest allowed difference of two numbers: |actual - expected| <= absolute + relative * |expected|.
struct tolerance {
  double relative = 0;
  double absolute = 0;
};

/// The tolerance for values computed in Scalar. The file holds twelve significant digits, rounded to multiples of 1e-14.
template <class Scalar>
inline constexpr tolerance tolerance_for = std::is_same_v<Scalar, double> ? tolerance{1e-9, 1e-11} : tolerance{1e-4, 2e-5};

/// Returns an empty string if every number is within tolerance. Otherwise returns one line with the largest error. Used as
/// CHECK(difference(a, b, t) == ""). NaN and infinity are always errors.
template <class Scalar>
[[nodiscard]] std::string difference(std::span<const Scalar> actual, std::span<const double> expected,
                                     tolerance allowed = tolerance_for<Scalar>) {
  std::ostringstream out;
  out.precision(17);
  if (actual.size() != expected.size()) {
    out << "expected " << expected.size() << " values, got " << actual.size();
    return out.str();
  }
  std::size_t wrong = 0;
  std::size_t worst = 0;
  double worst_excess = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double limit = allowed.absolute + allowed.relative * std::abs(expected[i]);
    const double distance = std::abs(static_cast<double>(actual[i]) - expected[i]);
    if (distance <= limit) continue;
    ++wrong;
    // The largest error is NaN, or else the largest multiple of the tolerance.
    const double excess = std::isnan(distance) ? HUGE_VAL : distance / limit;
    if (wrong == 1 || excess > worst_excess) {
      worst = i;
      worst_excess = excess;
    }
  }
  if (wrong == 0) return {};
  const double limit = allowed.absolute + allowed.relative * std::abs(expected[worst]);
  out << wrong << " of " << expected.size() << " values differ; worst at [" << worst << "]: got " << static_cast<double>(actual[worst])
      << ", expected " << expected[worst] << " within " << limit;
  return out.str();
}

template <class Scalar>
[[nodiscard]] std::string difference(const std::vector<Scalar>& actual, const std::vector<double>& expected,
                                     tolerance allowed = tolerance_for<Scalar>) {
  return difference(std::span<const Scalar>{actual}, std::span<const double>{expected}, allowed);
}

/// Compares one number.
template <class Scalar>
  requires std::is_floating_point_v<Scalar>
[[nodiscard]] std::string difference(Scalar actual, double expected, tolerance allowed = tolerance_for<Scalar>) {
  return difference(std::span<const Scalar>{&actual, 1}, std::span<const double>{&expected, 1}, allowed);
}

}  // namespace golden
