// SPDX-License-Identifier: MIT
/// @file
/// Weights and whole training states as safetensors files, tensors named as in PyTorch.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <typenet/core/error.hpp>
#include <typenet/io/safetensors.hpp>
#include <typenet/model.hpp>
#include <typenet/train/trainer.hpp>

namespace typenet {

namespace detail {

template <class Spec>
std::vector<std::uint64_t> extents_of(const Spec& spec) {
  return {spec.extents, spec.extents + spec.rank};
}

/// Gathers a network's tensors for a file, each under `prefix` + its name.
template <class Network>
class weight_writer {
 public:
  template <class Scalar>
  void add(std::span<const Scalar> parameters, std::span<const Scalar> buffers, const std::string& prefix = {}) {
    add_parameters(parameters, prefix);
    for (const buffer_info& info : Network::buffers) {
      const auto values = part(buffers, info);
      if (info.spec.integer) {
        // Counters are integers in PyTorch.
        auto& counts = integers_.emplace_back();
        for (const Scalar value : values) counts.push_back(static_cast<std::int64_t>(value));
        file.add(prefix + std::string{info.name.view()}, std::span<const std::uint64_t>{extents_of(info.spec)},
                 std::span<const std::int64_t>{counts});
      } else {
        file.add(prefix + std::string{info.name.view()}, std::span<const std::uint64_t>{extents_of(info.spec)}, values);
      }
    }
  }
  template <class Scalar>
  void add_parameters(std::span<const Scalar> values, const std::string& prefix) {
    for (const parameter_info& info : Network::parameters)
      file.add(prefix + std::string{info.name.view()}, std::span<const std::uint64_t>{extents_of(info.spec)}, part(values, info));
  }

  safetensors_writer file;

 private:
  template <class Scalar, class Info>
  static std::span<const Scalar> part(std::span<const Scalar> arena, const Info& info) {
    return arena.subspan(static_cast<std::size_t>(info.offset), static_cast<std::size_t>(info.size()));
  }
  std::deque<std::vector<std::int64_t>> integers_;
};

/// Reads a network's tensors from a file into arenas of its layout, refusing what belongs to another network.
template <class Network>
class weight_reader {
 public:
  explicit weight_reader(const std::filesystem::path& path) : file{path} {}

  template <class Scalar>
  void read(std::span<Scalar> parameters, std::span<Scalar> buffers, const std::string& prefix = {}) {
    read_parameters(parameters, prefix);
    for (const buffer_info& info : Network::buffers) read_tensor(info, buffers, prefix, info.spec.integer);
  }
  template <class Scalar>
  void read_parameters(std::span<Scalar> parameters, const std::string& prefix) {
    for (const parameter_info& info : Network::parameters) read_tensor(info, parameters, prefix, false);
  }

  /// Every tensor must have been read, but for those that `belongs_elsewhere` claims.
  template <class Claim>
  void expect_no_more(const Claim& belongs_elsewhere) const {
    for (const tensor_info& tensor : file.tensors())
      if (std::find(read_.begin(), read_.end(), tensor.name) == read_.end() && !belongs_elsewhere(std::string_view{tensor.name}))
        fail("tensor '" + tensor.name + "' has no place in this network");
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw file_error(file.name() + ": " + what + "; the network is " + std::string{type_name<Network>().view()});
  }

  safetensors_reader file;

 private:
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
  template <class Stored, class Scalar>
  void convert(const std::string& name, std::span<Scalar> values) {
    const std::vector<Stored> stored = file.template read<Stored>(name);
    std::transform(stored.begin(), stored.end(), values.begin(), [](Stored x) { return static_cast<Scalar>(x); });
  }
  std::vector<std::string> read_;
};

/// What lies in a backend's memory, in the program's.
template <class Array>
auto host_copy(const Array& array) {
  std::vector<std::remove_cvref_t<decltype(*array.data())>> values(static_cast<std::size_t>(array.size()));
  array.copy_to(values);
  return values;
}

/// A network's numbers in the program's memory: of a model, or of a file until all of it has proved right.
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

inline constexpr std::string_view optimizer_prefix = "optimizer.";
inline constexpr std::string_view training_prefix = "training.";
inline constexpr std::string_view best_prefix = "best.";

inline bool belongs_to_training(std::string_view name) {
  return name.starts_with(optimizer_prefix) || name.starts_with(training_prefix) || name.starts_with(best_prefix);
}

}  // namespace detail

/// Writes a model's parameters and buffers, named as in PyTorch's `state_dict()`. An earlier file is replaced whole, or stays.
/// @throws file_error if it cannot be written
template <class Model>
void save_weights(const std::filesystem::path& path, const Model& model) {
  detail::weight_writer<typename Model::network> out;
  out.file.add_metadata("format", "pt");
  const auto parameters = detail::host_copy(model.parameter_array()), buffers = detail::host_copy(model.buffer_array());
  out.add(std::span{parameters}, std::span{buffers});
  out.file.write(path);
}

/// Reads parameters and buffers: of `save_weights`, of a checkpoint, or a `state_dict()` that PyTorch users saved. Single and
/// double precision are converted. A model whose file is refused keeps what it had.
/// @throws file_error if the file is malformed or of another network; the message names the first difference
template <class Model>
void load_weights(const std::filesystem::path& path, Model& model) {
  detail::weight_reader<typename Model::network> in{path};
  detail::staged_weights<Model> staged;
  in.read(std::span{staged.parameters}, std::span{staged.buffers});
  in.expect_no_more(detail::belongs_to_training);
  staged.commit(model);
}

/// Writes all that training needs to go on as if it had never stopped: weights, the optimizer's state, and where it stands.
/// An earlier file is replaced whole, or stays.
/// @throws file_error if it cannot be written
template <class Trainer>
void save_checkpoint(const std::filesystem::path& path, const Trainer& trainer) {
  using network = typename Trainer::network;
  detail::weight_writer<network> out;
  out.file.add_metadata("format", "pt");
  out.file.add_metadata("optimizer", std::string{detail::type_name<std::remove_cvref_t<decltype(trainer.optimizer())>>().view()});
  const auto parameters = detail::host_copy(trainer.model().parameter_array()), buffers = detail::host_copy(trainer.model().buffer_array());
  out.add(std::span{parameters}, std::span{buffers});
  std::vector<std::remove_const_t<decltype(parameters)>> states;
  for (int i = 0; i < Trainer::states; ++i) states.push_back(detail::host_copy(trainer.optimizer_state(i)));
  for (int i = 0; i < Trainer::states; ++i)
    out.add_parameters(std::span{std::as_const(states[static_cast<std::size_t>(i)])},
                       std::string{detail::optimizer_prefix} + std::string{trainer.state_name(i)} + ".");
  const training_progress& p = trainer.progress();
  const std::int64_t counters[] = {p.updates, p.epoch, p.position, p.correct, std::bit_cast<std::int64_t>(trainer.seed().value)};
  const double sums[] = {p.loss_sum};
  out.file.add("training.counters", {5}, std::span<const std::int64_t>{counters});
  out.file.add("training.loss_sum", {1}, std::span<const double>{sums});
  const auto& best = trainer.best();
  const std::int64_t best_epoch[] = {best.epoch};
  const double best_score[] = {best.score};
  const auto best_parameters = detail::host_copy(best.parameters), best_buffers = detail::host_copy(best.buffers);
  if (best.epoch > 0) {
    out.add(std::span{best_parameters}, std::span{best_buffers}, std::string{detail::best_prefix});
    out.file.add("training.best_epoch", {1}, std::span<const std::int64_t>{best_epoch});
    out.file.add("training.best_score", {1}, std::span<const double>{best_score});
  }
  out.file.write(path);
}

/// Puts a trainer and its model where `save_checkpoint` found them; training goes on with the same bits as if it had not
/// stopped. Where the file is refused, both stay as they were.
/// @throws file_error if the file is malformed, of another network, another optimizer, or holds weights alone
template <class Trainer>
void load_checkpoint(const std::filesystem::path& path, Trainer& trainer) {
  using network = typename Trainer::network;
  using model = typename Trainer::model_type;
  using scalar = typename Trainer::scalar;
  using array = typename model::array;
  detail::weight_reader<network> in{path};
  const std::string optimizer{detail::type_name<std::remove_cvref_t<decltype(trainer.optimizer())>>().view()};
  if (in.file.find("training.counters") == nullptr) in.fail("it holds weights alone, not a training that could go on");
  if (const auto saved = in.file.metadata().find("optimizer"); saved != in.file.metadata().end() && saved->second != optimizer)
    in.fail("it was saved while training with " + saved->second + ", not " + optimizer);
  detail::staged_weights<model> staged, best;
  in.read(std::span{staged.parameters}, std::span{staged.buffers});
  std::vector<std::vector<scalar>> states;
  for (int i = 0; i < Trainer::states; ++i) {
    states.emplace_back(static_cast<std::size_t>(network::parameter_arena));
    in.read_parameters(std::span{states.back()}, std::string{detail::optimizer_prefix} + std::string{trainer.state_name(i)} + ".");
  }
  std::int64_t counters[5];
  double sums[1];
  in.file.read("training.counters", std::span<std::int64_t>{counters});
  in.file.read("training.loss_sum", std::span<double>{sums});
  for (int i = 0; i < 4; ++i)
    if (counters[i] < 0) in.fail("'training.counters' holds the negative count " + std::to_string(counters[i]));
  std::int64_t best_epoch[1] = {0};
  double best_score[1] = {0};
  if (in.file.find("training.best_epoch") != nullptr) {
    in.file.read("training.best_epoch", std::span<std::int64_t>{best_epoch});
    in.file.read("training.best_score", std::span<double>{best_score});
    in.read(std::span{best.parameters}, std::span{best.buffers}, std::string{detail::best_prefix});
  }
  in.expect_no_more([](std::string_view name) { return name.starts_with(detail::training_prefix); });

  staged.commit(trainer.model());
  for (int i = 0; i < Trainer::states; ++i) trainer.optimizer_state(i).copy_from(states[static_cast<std::size_t>(i)]);
  trainer.resume_from({.updates = counters[0],
                       .epoch = static_cast<int>(counters[1]),
                       .position = counters[2],
                       .loss_sum = sums[0],
                       .correct = counters[3]},
                      seed{std::bit_cast<std::uint64_t>(counters[4])});
  if (best_epoch[0] > 0) {
    array parameters{network::parameter_arena}, buffers{network::buffer_arena};
    parameters.copy_from(best.parameters);
    buffers.copy_from(best.buffers);
    trainer.restore_best({static_cast<int>(best_epoch[0]), best_score[0], std::move(parameters), std::move(buffers)});
  }
}

}  // namespace typenet
