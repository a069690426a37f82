// SPDX-License-Identifier: MIT
/// @file
/// The data set: labeled samples of one shape. The concepts that a data set of your own models, and the checks that report a type which
/// does not. Data sets held in memory are in data/tensor_dataset.hpp, data/image_dataset.hpp and data/subset.hpp.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>

#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/random.hpp>
#include <typenet/core/shape.hpp>

namespace typenet {

/// The key of the random choices made in reading a sample. With the sample's index it fixes every one of them.
struct sample_key {
  typenet::seed seed{};     ///< the seed of the run
  std::uint32_t epoch = 0;  ///< the epoch, from 0; each epoch augments a sample anew
  bool augment = true;      ///< true: with random transforms; false: without them, as for evaluation

  /// The key for validation, evaluation and prediction: no random transforms.
  [[nodiscard]] static constexpr sample_key evaluation() { return {.seed = {}, .epoch = 0, .augment = false}; }
};

/// Labeled samples of one static shape, addressed by index.
///
/// - `sample_shape`, `classes`: compile-time constants, of at least one number and one class
/// - `size()`: the number of samples, an `index`
/// - `read(i, key, out)`: writes sample i, 0 <= i < size(), to the `std::span<float>` `out`: `sample_shape.size()` numbers,
///   `[channel][row][column]`. Random transforms apply where `key.augment`
/// - `label(i)`: the class of sample i, 0 to classes - 1
///
/// Several threads may call `read` and `label` at once. The results depend on the arguments alone.
template <class D>
concept dataset = requires(const D& d, index i, const sample_key& key, std::span<float> out) {
  { D::sample_shape } -> std::convertible_to<shape>;
  { D::classes } -> std::convertible_to<int>;
  typename std::bool_constant<(D::sample_shape.size() > 0 && D::classes > 0)>;
  { d.size() } -> std::same_as<index>;
  { d.read(i, key, out) } -> std::same_as<void>;
  { d.label(i) } -> std::same_as<int>;
};

/// An upload that copies nothing: `data.view(host_upload{})` reads the data set's own memory.
struct host_upload {
  template <class T>
  [[nodiscard]] constexpr const T* operator()(std::span<const T> values) const {
    return values.data();
  }
};

namespace detail {

/// A view of a data set, as `resident_dataset` asks for.
template <class V>
concept sample_view = std::is_trivially_copyable_v<V> && requires(const V& v, index i, const sample_key& key, float* out) {
  { V::sample_shape } -> std::convertible_to<shape>;
  { v.size() } -> std::same_as<index>;
  { v.label(i) } -> std::same_as<int>;
  { v.key_of(i) } -> std::same_as<std::uint32_t>;
  { v.read(i, key, out) } -> std::same_as<void>;
};

}  // namespace detail

/// A data set that a device can hold in its memory and read there. All data sets of the library are resident; one of your own is where it
/// has a view. Devices read other data sets through the host.
///
/// `view(upload)` passes each array of the data set to `upload` as a `std::span<const T>`, T a number. `upload` copies the array to where
/// the view shall read it, and returns the copy's address, a `const T*`. An array may be passed twice, and an address returned twice: an
/// array is known by its address and its size. So all arrays live, unchanged, as long as the data set; `view` passes none of its own.
///
/// The view is a trivially copyable object that reads the copies alone. Made with `host_upload`, it reads the data set's own memory and
/// must not outlive the data set. All members of a view `v` of type V are marked TYPENET_HD:
///
/// - `V::sample_shape`: the data set's `sample_shape`
/// - `v.size()`, `v.label(i)`: the results of the data set's members
/// - `v.read(i, key, out)`: assigns the numbers that the data set's `read` writes to `out[0]` … `out[sample_shape.size() - 1]`, each once,
///   and reads none of them back. `out` is a `float*`, or a trivially copyable object whose `operator[](index)` returns something that a
///   float can be assigned to
/// - `v.key_of(i)`: the `std::uint32_t` that the augmentation of sample i is keyed by. It is the sample's index; in a subset, the index in
///   the whole
template <class D>
concept resident_dataset = dataset<D> && requires(const D& d) {
  { d.view(host_upload{}) } -> detail::sample_view;
  requires std::remove_cvref_t<decltype(d.view(host_upload{}))>::sample_shape == D::sample_shape;
};

/// A data set that also offers its samples as stored bytes. `bytes(i)` is sample i: `sample_shape.size()` grey levels, 0 to 255,
/// `[channel][row][column]`.
template <class D>
concept byte_image_dataset = dataset<D> && requires(const D& d, index i) {
  { d.bytes(i) } -> std::same_as<std::span<const std::uint8_t>>;
};

/// Never defined: its name is the message.
template <class Data, class Needs>
struct dataset_error;

namespace needs {
/// All that a data set has to offer.
struct all_of_a_dataset {
  static constexpr auto text() { return detail::sentence{"all that the concept typenet::dataset asks for"}; }
};
/// All that a data set of bytes has to offer.
struct all_of_a_byte_image_dataset {
  static constexpr auto text() { return detail::sentence{"all that the concept typenet::byte_image_dataset asks for"}; }
};
}  // namespace needs

namespace detail {

/// Reports a type that is no data set.
template <class Data>
constexpr bool check_dataset() {
  using needed = needs::all_of_a_dataset;
  if constexpr (!dataset<Data>) return report_error<dataset_error<Data, needed>, needs_message<Data, needed>>();
  return true;
}

/// Reports a type that is no data set of bytes.
template <class Data>
constexpr bool check_byte_image_dataset() {
  using needed = needs::all_of_a_byte_image_dataset;
  if constexpr (!byte_image_dataset<Data>) return report_error<dataset_error<Data, needed>, needs_message<Data, needed>>();
  return true;
}

/// An empty data set: the result of a call whose data set or transforms have been reported as ill-formed.
struct placeholder_dataset {
  static constexpr shape sample_shape{1};
  static constexpr int classes = 1;
  [[nodiscard]] index size() const { return 0; }
  [[nodiscard]] int label(index /*i*/) const { return 0; }
  void read(index /*i*/, const sample_key& /*key*/, std::span<float> /*out*/) const {}
  [[nodiscard]] std::span<const std::uint8_t> bytes(index /*i*/) const { return {}; }
};

}  // namespace detail
}  // namespace typenet
