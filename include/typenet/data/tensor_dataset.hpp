// SPDX-License-Identifier: MIT
/// @file
/// tensor_dataset: samples given as arrays of numbers.
#pragma once

#include <cstring>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <typenet/core/config.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/data/dataset.hpp>
#include <typenet/data/stored_samples.hpp>

namespace typenet {

namespace detail {

/// The view of a tensor_dataset.
template <shape Shape>
struct tensor_view : labeled_view {
  static constexpr shape sample_shape = Shape;

  const float* values;  ///< [sample][channel][row][column]

  template <class Out>
  TYPENET_HD void read(index i, const sample_key&, Out out) const {
    constexpr int size = Shape.size();
    const float* const sample = values + i * size;
    if constexpr (std::is_same_v<Out, float*>) {
      std::memcpy(out, sample, size * sizeof(float));
    } else {
      for (int p = 0; p < size; ++p) out[p] = sample[p];
    }
  }
};

}  // namespace detail

/// A data set of numbers: arrays of the program's own.
/// @tparam Shape shape of one sample
/// @tparam Classes number of classes
/// @see torch.utils.data.TensorDataset
template <shape Shape, int Classes>
  requires(Shape.size() > 0 && Classes > 0)
class tensor_dataset {
 public:
  static constexpr shape sample_shape = Shape;
  static constexpr int classes = Classes;

  /// @param values [sample][channel][row][column]
  /// @param labels [sample]: the class of each sample, 0 to Classes - 1
  /// @throws argument_error if the counts disagree or a label is not a class
  tensor_dataset(std::vector<float> values, std::vector<int> labels) : values_{std::move(values)}, labels_{std::move(labels)} {
    detail::check_count("tensor_dataset", Shape, values_.size(), labels_.size());
    detail::check_labels("tensor_dataset", std::span<const int>{labels_}, Classes);
  }

  [[nodiscard]] index size() const { return static_cast<index>(labels_.size()); }
  [[nodiscard]] int label(index i) const { return view(host_upload{}).label(i); }
  void read(index i, const sample_key& key, std::span<float> out) const { view(host_upload{}).read(i, key, out.data()); }
  /// The view that a device reads (concept `resident_dataset`).
  template <class Upload>
  [[nodiscard]] detail::tensor_view<Shape> view(const Upload& upload) const {
    return {{upload(std::span<const int>{labels_}), size()}, upload(std::span<const float>{values_})};
  }

 private:
  std::vector<float> values_;
  std::vector<int> labels_;
};

}  // namespace typenet
