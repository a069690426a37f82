// SPDX-License-Identifier: MIT
/// @file
/// sample_reader: reads samples of a data set into the memory of a backend. `shuffle` makes the order of an epoch.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <typenet/backends/batch_state.hpp>
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

/// Reads samples of a data set into a backend's memory. In this form the memory is the program's: it reads one batch at a time, sample by
/// sample, and then copies each group to the lanes.
template <class Backend, class Data>
class sample_reader {
 public:
  using scalar = typename Backend::scalar;

  explicit sample_reader(const Data& data) : data_{&data}, rows_(static_cast<std::size_t>(lanes * size)) {
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

/// Copies arrays to a device's memory. `held` owns the copies.
template <class Backend>
struct uploader {
  std::vector<std::shared_ptr<void>>* held;
  template <class T>
  const T* operator()(std::span<const T> values) const {
    const auto memory = std::make_shared<typename Backend::template memory<T>>(static_cast<index>(values.size()));
    memory->copy_from(values);
    held->push_back(memory);
    return memory->data();
  }
};

/// On a device, for a data set that can lie in its memory: the constructor copies all of the data set, and the device reads the samples.
template <class Backend, resident_dataset Data>
  requires(!Backend::host_memory)
class sample_reader<Backend, Data> {
 public:
  explicit sample_reader(const Data& data) : view_{data.view(uploader<Backend>{&held_})} {}
  sample_reader(const sample_reader&) = delete;
  sample_reader& operator=(const sample_reader&) = delete;
  ~sample_reader() = default;

  void set_order(const typename Backend::template memory<std::uint32_t>&) {}

  void read(typename Backend::stream& stream, const batch_request& wanted, sample_memory<Backend>& to) {
    stream.for_each(wanted.padded_size(), read_place<view, typename Backend::scalar, Backend::lanes>{view_, wanted, to.input.data(),
                                                                                                     to.labels.data(), to.samples.data()});
  }

 private:
  using view = decltype(std::declval<const Data&>().view(std::declval<uploader<Backend>>()));

  std::vector<std::shared_ptr<void>> held_;
  view view_;
};

/// On a device, for other data sets: the host reads the samples and copies them to the device.
template <class Backend, class Data>
  requires(!Backend::host_memory && !resident_dataset<Data>)
class sample_reader<Backend, Data> {
 public:
  using scalar = typename Backend::scalar;

  explicit sample_reader(const Data& data) : data_{&data} {}

  void set_order(const typename Backend::template memory<std::uint32_t>& order) {
    order_.resize(static_cast<std::size_t>(order.size()));
    order.copy_to(order_);
  }

  void read(typename Backend::stream& stream, const batch_request& wanted, sample_memory<Backend>& to) {
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

 private:
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
  std::vector<scalar> input_, labels_;
  std::vector<std::uint32_t> samples_, order_;
};

/// Fills `order` with a random permutation of the numbers below its size. It sorts the numbers by random keys, so that the result does not
/// depend on the number of threads or on the backend.
template <class Backend>
void shuffle(typename Backend::stream& stream, seed s, std::uint32_t epoch, typename Backend::template memory<std::uint32_t>& order,
             typename Backend::template memory<std::uint64_t>& keys, random_stream purpose = random_stream::shuffle) {
  if (keys.size() != order.size()) keys = typename Backend::template memory<std::uint64_t>{order.size()};
  std::uint32_t* const numbers = order.data();
  std::uint64_t* const key = keys.data();
  const counter_rng rng{s, purpose};
  stream.for_each(order.size(), [=] TYPENET_HD(index i) {
    const auto words = rng(epoch, static_cast<std::uint32_t>(i), 0);
    numbers[i] = static_cast<std::uint32_t>(i);
    key[i] = std::uint64_t{words[0]} << 32 | words[1];
  });
  stream.sort_by_key(key, numbers, order.size());
}

}  // namespace typenet::detail
