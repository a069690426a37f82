// SPDX-License-Identifier: MIT
/// @file
/// sample_reader: reads samples of a data set into the memory of a backend.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <typenet/backends/batch_state.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/core/random.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/data/dataset.hpp>

namespace typenet::detail {

/// The memory of samples in a backend.
template <class Backend>
struct sample_memory {
  sample_memory() = default;
  /// @param count a multiple of the lanes
  sample_memory(index count, int inputs) : input{count * inputs}, labels{count}, samples{count} {}

  /// `[group][element][lane]`: the numbers of each sample.
  typename Backend::array input;
  /// `[sample]`: the classes.
  typename Backend::array labels;
  /// `[sample]`: the number of each sample in the data set, which random draws are keyed by.
  typename Backend::template memory<std::uint32_t> samples;
};

/// A request for `count` samples from place `first` of an order on, in batches of `batch` samples.
struct batch_request {
  /// `[place]`: the number of the sample there; null: the order of the data set.
  const std::uint32_t* order = nullptr;
  index first = 0;
  index count = 0;
  index batch = 0;
  /// Samples that the memory of one batch holds, a multiple of the lanes.
  index padded = 0;
  sample_key key{};

  /// The sample for element `item` of the memory. The last sample of a batch fills the memory past the end of the batch.
  [[nodiscard]] TYPENET_HD index at(index item) const {
    const index start = item / padded * batch;
    const index in_batch = count - start < batch ? count - start : batch;
    const index place = first + start + (item % padded < in_batch ? item % padded : in_batch - 1);
    return order == nullptr ? place : static_cast<index>(order[place]);
  }
  /// Samples that the memory of all batches holds.
  [[nodiscard]] TYPENET_HD index padded_size() const { return (count + batch - 1) / batch * padded; }
};

/// Writes the numbers of one sample to its lane. Element e lies at `base + e * Lanes`.
template <class Scalar, int Lanes>
struct lane_writer {
  Scalar* base;
  struct place {
    Scalar* at;
    TYPENET_HD void operator=(float value) const { *at = static_cast<Scalar>(value); }
  };
  TYPENET_HD place operator[](index e) const { return {base + e * Lanes}; }
};

/// Reads one sample of a request into its lane, on a device or on the host.
template <class View, class Scalar, int Lanes>
struct read_place {
  View view;
  batch_request wanted;
  Scalar* input;
  Scalar* labels;
  std::uint32_t* samples;

  TYPENET_ANY_SIDE
  TYPENET_HD void operator()(index item) const {
    const index sample = wanted.at(item);
    view.read(sample, wanted.key, lane_writer<Scalar, Lanes>{input + item / Lanes * Lanes * View::sample_shape.size() + item % Lanes});
    labels[item] = static_cast<Scalar>(view.label(sample));
    samples[item] = static_cast<std::uint32_t>(sample);
  }
};

template <class Backend>
class uploaded_arrays;

/// What a data set's `view` gives its arrays to.
template <class Backend>
struct uploader {
  uploaded_arrays<Backend>* arrays;
  template <class T>
  const T* operator()(std::span<const T> values) const {
    return arrays->upload(values);
  }
};

/// The view of a data set on a device; empty for a data set that has none.
template <class Backend, class Data>
struct view_on {
  struct type {};
};
template <class Backend, resident_dataset Data>
struct view_on<Backend, Data> {
  using type = decltype(std::declval<const Data&>().view(std::declval<uploader<Backend>>()));
};

/// Copies of the arrays of data sets in a device's memory. An array is copied once, however often a view asks for it: the arrays are to
/// live, unchanged, as long as this object.
template <class Backend>
class uploaded_arrays {
 public:
  /// The view of a data set; nothing where the data set has no view, or the device has too little memory for its arrays.
  template <class Data>
  std::optional<typename view_on<Backend, Data>::type> view_of([[maybe_unused]] const Data& data) {
    if constexpr (resident_dataset<Data>) {
      const std::size_t before = arrays_.size();
      try {
        return data.view(uploader<Backend>{this});
      } catch (const device_memory_error&) {
        arrays_.erase(arrays_.begin() + static_cast<std::ptrdiff_t>(before), arrays_.end());
      }
    }
    return std::nullopt;
  }

 private:
  template <class B>
  friend struct uploader;

  template <class T>
  const T* upload(std::span<const T> values) {
    for (const array& known : arrays_)
      if (known.from == values.data() && known.bytes == values.size_bytes()) return static_cast<const T*>(known.address);
    const auto memory = std::make_shared<typename Backend::template memory<T>>(static_cast<index>(values.size()));
    memory->copy_from(values);
    arrays_.push_back({values.data(), values.size_bytes(), memory, memory->data()});
    return memory->data();
  }

  /// An array of the program and its copy.
  struct array {
    const void* from;
    std::size_t bytes;
    std::shared_ptr<void> copy;
    const void* address;  ///< of the copy
  };
  std::vector<array> arrays_;
};
/// The program's own memory needs no copies.
template <class Backend>
  requires(Backend::host_memory)
class uploaded_arrays<Backend> {};

/// Reads samples of a data set into a backend's memory. In this form the memory is the program's: it reads one batch at a time, sample by
/// sample, and then copies each group to the lanes.
template <class Backend, class Data>
class sample_reader {
 public:
  using scalar = typename Backend::scalar;

  sample_reader(const Data& data, uploaded_arrays<Backend>&) : data_{&data}, rows_(static_cast<std::size_t>(lanes * size)) {
    if constexpr (!std::is_same_v<scalar, float>) converted_.resize(rows_.size());
  }

  /// Sets the order of the epoch, for readers that keep a copy of it.
  void set_order(const typename Backend::template memory<std::uint32_t>&) {}

  /// @pre no more than a batch is wanted
  void read(typename Backend::stream&, const batch_request& wanted, sample_memory<Backend>& to) {
    for (index first = 0; first < wanted.count; first += lanes) {
      const int here = static_cast<int>(std::min<index>(lanes, wanted.count - first));
      for (int l = 0; l < here; ++l) {
        const index sample = wanted.at(first + l);
        data_->read(sample, wanted.key, std::span<float>{rows_}.subspan(static_cast<std::size_t>(l * size), size));
        to.labels.data()[first + l] = static_cast<scalar>(data_->label(sample));
        to.samples.data()[first + l] = static_cast<std::uint32_t>(sample);
      }
      scalar* const target = to.input.data() + first * size;
      if constexpr (std::is_same_v<scalar, float>) {
        load_lanes<typename Backend::pack, lanes>(rows_.data(), size, here, size, target);
      } else {
        std::copy(rows_.begin(), rows_.end(), converted_.begin());
        load_lanes<typename Backend::pack, lanes>(converted_.data(), size, here, size, target);
      }
    }
  }

 private:
  static constexpr int lanes = Backend::lanes;
  static constexpr int size = Data::sample_shape.size();

  const Data* data_;
  std::vector<float> rows_;
  std::vector<scalar> converted_;
};

/// On a device. Where the data set lies in the device's memory, the device reads the samples. Where it has no view, or does not fit, the
/// host reads the samples of each request and copies them to the device.
template <class Backend, class Data>
  requires(!Backend::host_memory)
class sample_reader<Backend, Data> {
 public:
  using scalar = typename Backend::scalar;

  /// @param data must outlive the reader
  /// @param arrays receives the data set's arrays; must outlive the reader
  sample_reader(const Data& data, uploaded_arrays<Backend>& arrays) : data_{&data}, view_{arrays.view_of(data)} {}

  /// Sets the order of the epoch.
  void set_order(const typename Backend::template memory<std::uint32_t>& order) {
    if (view_) return;
    order_.resize(static_cast<std::size_t>(order.size()));
    order.copy_to(order_);
  }

  void read(typename Backend::stream& stream, const batch_request& wanted, sample_memory<Backend>& to) {
    if constexpr (resident_dataset<Data>) {
      if (view_) {
        stream.for_each(wanted.padded_size(),
                        read_place<view, scalar, Backend::lanes>{*view_, wanted, to.input.data(), to.labels.data(), to.samples.data()});
        return;
      }
    }
    read_on_host(stream, wanted, to);
  }

 private:
  using view = typename view_on<Backend, Data>::type;

  void read_on_host(typename Backend::stream& stream, const batch_request& wanted, sample_memory<Backend>& to) {
    const auto slot = static_cast<std::size_t>(wanted.padded_size());
    input_.resize(slot * static_cast<std::size_t>(Data::sample_shape.size()));
    labels_.resize(slot);
    samples_.resize(slot);
    batch_request here = wanted;
    if (wanted.order != nullptr) here.order = order_.data();
    const read_place<host_view, scalar, Backend::lanes> place{{data_}, here, input_.data(), labels_.data(), samples_.data()};
    for (index i = 0; i < wanted.padded_size(); ++i) place(i);
    stream.wait();  // until the device has used the samples in `to`
    to.input.copy_from(input_);
    to.labels.copy_from(labels_);
    to.samples.copy_from(samples_);
  }

  /// A view that reads the data set itself.
  struct host_view {
    static constexpr shape sample_shape = Data::sample_shape;
    const Data* data;
    template <class Out>
    void read(index i, const sample_key& key, const Out& out) const {
      std::array<float, static_cast<std::size_t>(sample_shape.size())> row;
      data->read(i, key, row);
      for (std::size_t e = 0; e < row.size(); ++e) out[static_cast<index>(e)] = row[e];
    }
    [[nodiscard]] int label(index i) const { return data->label(i); }
  };

  const Data* data_;
  std::optional<view> view_;  // nothing: the host reads
  std::vector<scalar> input_, labels_;
  std::vector<std::uint32_t> samples_, order_;
};

}  // namespace typenet::detail
