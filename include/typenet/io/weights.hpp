// SPDX-License-Identifier: MIT
/// @file
/// save_weights and load_weights: a model's parameters and buffers as a safetensors file, tensors named as in PyTorch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <typenet/core/error.hpp>
#include <typenet/core/type_name.hpp>
#include <typenet/io/safetensors.hpp>
#include <typenet/model.hpp>

namespace typenet {

namespace detail {

/// The extents of a parameter or buffer, outermost first.
template <class Spec>
std::vector<std::uint64_t> extents_of(const Spec& spec) {
  return {spec.extents, spec.extents + spec.rank};
}

/// Collects a network's tensors for a file, each under `prefix` and its name. Arenas hold every tensor at the offset that the network
/// gives it.
template <class Network>
class weight_writer {
 public:
  /// Adds all parameters and buffers. The arenas must live until the file is written.
  template <class Scalar>
  void add(std::span<const Scalar> parameters, std::span<const Scalar> buffers, const std::string& prefix = {}) {
    add_parameters(parameters, prefix);
    for (const buffer_info& info : Network::buffers) {
      const auto values = part(buffers, info);
      if (info.spec.integer) {
        // Counters are 64-bit integers in PyTorch.
        auto& counts = integers_.emplace_back();
        for (const Scalar value : values) counts.push_back(static_cast<std::int64_t>(value));
        file.add(prefix + std::string{info.name.view()}, std::span<const std::uint64_t>{extents_of(info.spec)},
                 std::span<const std::int64_t>{counts});
      } else {
        file.add(prefix + std::string{info.name.view()}, std::span<const std::uint64_t>{extents_of(info.spec)}, values);
      }
    }
  }
  /// Adds one tensor for each parameter, from an arena laid out as the parameters.
  template <class Scalar>
  void add_parameters(std::span<const Scalar> values, const std::string& prefix) {
    for (const parameter_info& info : Network::parameters)
      file.add(prefix + std::string{info.name.view()}, std::span<const std::uint64_t>{extents_of(info.spec)}, part(values, info));
  }

  safetensors_writer file;

 private:
  /// The part of an arena that holds one tensor.
  template <class Scalar, class Info>
  static std::span<const Scalar> part(std::span<const Scalar> arena, const Info& info) {
    return arena.subspan(static_cast<std::size_t>(info.offset), static_cast<std::size_t>(info.size()));
  }
  std::deque<std::vector<std::int64_t>> integers_;  ///< converted counters; a deque leaves them where they are as it grows
};

/// Reads a network's tensors from a file into arenas. It refuses tensors that do not belong to the network.
template <class Network>
class weight_reader {
 public:
  explicit weight_reader(const std::filesystem::path& path) : file{path} {}

  /// Reads all parameters and buffers.
  /// @throws file_error if one is missing, or of another shape or type
  template <class Scalar>
  void read(std::span<Scalar> parameters, std::span<Scalar> buffers, const std::string& prefix = {}) {
    read_parameters(parameters, prefix);
    for (const buffer_info& info : Network::buffers) read_tensor(info, buffers, prefix, info.spec.integer);
  }
  /// Reads one tensor for each parameter, into an arena laid out as the parameters.
  /// @throws file_error if one is missing, or of another shape or type
  template <class Scalar>
  void read_parameters(std::span<Scalar> parameters, const std::string& prefix) {
    for (const parameter_info& info : Network::parameters) read_tensor(info, parameters, prefix, false);
  }

  /// Checks that every tensor of the file has been read, or that `belongs_elsewhere(name)` is true.
  /// @throws file_error that names the first other tensor
  template <class Claim>
  void expect_no_more(const Claim& belongs_elsewhere) const {
    for (const tensor_info& tensor : file.tensors())
      if (std::find(read_.begin(), read_.end(), tensor.name) == read_.end() && !belongs_elsewhere(std::string_view{tensor.name}))
        fail("tensor '" + tensor.name + "' has no place in this network");
  }

  /// Throws a `file_error` about the file that names the network.
  [[noreturn]] void fail(const std::string& what) const {
    throw file_error(file.name() + ": " + what + "; the network is " + std::string{type_name<Network>().view()});
  }

  safetensors_reader file;

 private:
  /// Reads one tensor into its part of an arena.
  template <class Info, class Scalar>
  void read_tensor(const Info& info, std::span<Scalar> arena, const std::string& prefix, bool integer) {
    const std::string name = prefix + std::string{info.name.view()};
    const std::span<Scalar> values = arena.subspan(static_cast<std::size_t>(info.offset), static_cast<std::size_t>(info.size()));
    const tensor_info* const found = file.find(name);
    if (found == nullptr) fail("it has no tensor '" + name + "' of shape " + to_text(extents_of(info.spec)));
    if (found->extents != extents_of(info.spec))
      fail("tensor '" + name + "' is of shape " + to_text(found->extents) + ", expected " + to_text(extents_of(info.spec)));
    if (integer)
      convert<std::int64_t>(name, values);
    else if (found->type == tensor_type::f32)
      convert<float>(name, values);
    else if (found->type == tensor_type::f64)
      convert<double>(name, values);
    else
      fail("tensor '" + name + "' is of type " + std::string{name_of(found->type)} + ", expected F32 or F64");
    read_.push_back(name);
  }
  /// Reads a tensor of `Stored` and converts its numbers.
  template <class Stored, class Scalar>
  void convert(const std::string& name, std::span<Scalar> values) {
    const std::vector<Stored> stored = file.template read<Stored>(name);
    std::transform(stored.begin(), stored.end(), values.begin(), [](Stored x) { return static_cast<Scalar>(x); });
  }
  std::vector<std::string> read_;  ///< names of the tensors read so far
};

/// A copy of an array of a backend in the program's memory.
template <class Array>
auto host_copy(const Array& array) {
  std::vector<std::remove_cvref_t<decltype(*array.data())>> values(static_cast<std::size_t>(array.size()));
  array.copy_to(values);
  return values;
}

/// A network's parameters and buffers in the program's memory. `commit` copies them to a model once the whole file is known to be right.
template <class Model>
struct staged_weights {
  using scalar = typename Model::scalar;
  std::vector<scalar> parameters = std::vector<scalar>(static_cast<std::size_t>(Model::network::parameter_arena));
  std::vector<scalar> buffers = std::vector<scalar>(static_cast<std::size_t>(Model::network::buffer_arena));
  void commit(Model& model) const {
    model.parameter_array().copy_from(parameters);
    model.buffer_array().copy_from(buffers);
  }
};

/// The prefixes of the tensors that a checkpoint adds to the weights.
inline constexpr std::string_view optimizer_prefix = "optimizer.";
inline constexpr std::string_view training_prefix = "training.";
inline constexpr std::string_view best_prefix = "best.";

/// True for the tensors that a checkpoint adds to the weights.
inline bool belongs_to_training(std::string_view name) {
  return name.starts_with(optimizer_prefix) || name.starts_with(training_prefix) || name.starts_with(best_prefix);
}

}  // namespace detail

/// Writes a model's parameters and buffers, named as in PyTorch's `state_dict()`. It replaces an earlier file as a whole; where writing
/// fails, the earlier file stays.
/// @throws file_error if it cannot be written
template <class Model>
void save_weights(const std::filesystem::path& path, const Model& model) {
  detail::weight_writer<typename Model::network> out;
  out.file.add_metadata("format", "pt");
  const auto parameters = detail::host_copy(model.parameter_array()), buffers = detail::host_copy(model.buffer_array());
  out.add(std::span{parameters}, std::span{buffers});
  out.file.write(path);
}

/// Reads a model's parameters and buffers from a file of `save_weights`, from a checkpoint, or from a `state_dict()` of PyTorch. Single and
/// double precision are converted. Where the file is refused, the model keeps its weights. Numbers that are not finite are accepted:
/// `model::first_non_finite` names them.
/// @throws file_error if the file is malformed or of another network; the message names the first difference
template <class Model>
void load_weights(const std::filesystem::path& path, Model& model) {
  detail::weight_reader<typename Model::network> in{path};
  detail::staged_weights<Model> staged;
  in.read(std::span{staged.parameters}, std::span{staged.buffers});
  in.expect_no_more(detail::belongs_to_training);
  staged.commit(model);
}

}  // namespace typenet
