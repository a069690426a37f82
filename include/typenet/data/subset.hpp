// SPDX-License-Identifier: MIT
/// @file
/// subset: some samples of a data set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/data/dataset.hpp>

namespace typenet {

namespace detail {

/// The view of a subset: the view of the whole, and the samples' indices in it.
template <sample_view Whole>
struct subset_view {
  static constexpr shape sample_shape = Whole::sample_shape;

  Whole whole;
  const index* indices;  ///< [sample]: index in the whole
  index count;           ///< samples

  [[nodiscard]] TYPENET_HD index size() const { return count; }
  [[nodiscard]] TYPENET_HD int label(index i) const { return whole.label(indices[i]); }
  [[nodiscard]] TYPENET_HD std::uint32_t key_of(index i) const { return whole.key_of(indices[i]); }
  template <class Out>
  TYPENET_HD void read(index i, const sample_key& key, Out out) const {
    whole.read(indices[i], key, out);
  }
};

}  // namespace detail

/// Some samples of a data set, in any order.
///
/// A subset refers to the whole, which must outlive it. `transformed` of a subset copies the subset's samples and needs the whole no
/// longer. Augmentation is keyed by a sample's index in the whole: a sample is augmented alike in every subset that holds it.
/// @tparam D the whole
/// @see torch.utils.data.Subset
template <dataset D>
class subset {
 public:
  static constexpr shape sample_shape = D::sample_shape;
  static constexpr int classes = D::classes;

  /// @param whole the data set that the samples belong to; must outlive the subset
  /// @param indices [sample]: index in the whole; an index may occur several times
  /// @throws argument_error if an index is below 0 or not below `whole.size()`
  subset(const D& whole, std::vector<index> indices) : whole_{&whole}, indices_{std::move(indices)} {
    for (const index i : indices_) {
      if (i < 0 || i >= whole.size())
        throw argument_error{"subset: sample " + std::to_string(i) + " of a data set of " + std::to_string(whole.size())};
    }
  }
  subset(const D&& whole, std::vector<index> indices) = delete;  // the reference would dangle

  [[nodiscard]] index size() const { return static_cast<index>(indices_.size()); }
  [[nodiscard]] int label(index i) const { return whole_->label(at(i)); }
  void read(index i, const sample_key& key, std::span<float> out) const { whole_->read(at(i), key, out); }
  /// Image i as the whole stores it.
  [[nodiscard]] std::span<const std::uint8_t> bytes(index i) const
    requires byte_image_dataset<D>
  {
    return whole_->bytes(at(i));
  }
  /// The view that a device reads (concept `resident_dataset`). It uploads the whole, however few its samples are.
  template <class Upload>
    requires resident_dataset<D>
  [[nodiscard]] auto view(const Upload& upload) const {
    return detail::subset_view<decltype(whole_->view(upload))>{whole_->view(upload), upload(std::span<const index>{indices_}), size()};
  }
  /// The samples' indices in the whole, [sample].
  [[nodiscard]] std::span<const index> indices() const { return indices_; }

 private:
  [[nodiscard]] index at(index i) const { return indices_[static_cast<std::size_t>(i)]; }

  const D* whole_;
  std::vector<index> indices_;
};

}  // namespace typenet
