// SPDX-License-Identifier: MIT
/// @file
/// Checks of data set views. They read a view as a device does.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include <typenet/data/dataset.hpp>

/// A write-only output iterator for `read`: the numbers are `stride` elements apart. It counts the writes to each number.
class strided_writer {
 public:
  static constexpr typenet::index stride = 5;

  struct place {
    float* at;
    int* count;
    void operator=(float value) const {
      *at = value;
      ++*count;
    }
  };
  strided_writer(float* first, int* counts) : first_{first}, counts_{counts} {}
  place operator[](typenet::index p) const { return {first_ + p * stride, counts_ + p}; }

 private:
  float* first_;
  int* counts_;
};

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

template <class Set>
std::vector<float> read_sample(const Set& set, typenet::index i, const typenet::sample_key& key) {
  std::vector<float> out(static_cast<std::size_t>(Set::sample_shape.size()), std::numeric_limits<float>::quiet_NaN());
  set.read(i, key, out);
  return out;
}

/// Reads a sample through a strided_writer. Checks that `read` writes every number once and leaves the gaps unchanged.
template <class View>
std::vector<float> read_strided(const View& view, typenet::index i, const typenet::sample_key& key) {
  constexpr auto size = static_cast<std::size_t>(View::sample_shape.size());
  constexpr auto stride = static_cast<std::size_t>(strided_writer::stride);
  std::vector<float> memory(size * stride, -77.0f), out(size);
  std::vector<int> counts(size);
  view.read(i, key, strided_writer{memory.data(), counts.data()});
  for (std::size_t p = 0; p < size; ++p) out[p] = memory[p * stride];
  CHECK(std::count(counts.begin(), counts.end(), 1) == static_cast<std::ptrdiff_t>(size));
  CHECK(std::count(memory.begin(), memory.end(), -77.0f) ==
        static_cast<std::ptrdiff_t>(size * (stride - 1)) + std::count(out.begin(), out.end(), -77.0f));
  return out;
}

/// Returns keys of three augmented epochs and of evaluation.
inline std::vector<typenet::sample_key> some_keys() {
  using typenet::sample_key;
  const typenet::seed seed{42};
  return {{.seed = seed, .epoch = 0}, {.seed = seed, .epoch = 1}, {.seed = seed, .epoch = 59}, sample_key::evaluation()};
}

/// Checks that the view of a data set returns the samples of the data set, bit for bit.
template <class Set>
void check_view(const Set& set) {
  static_assert(typenet::resident_dataset<Set>);
  const auto view = set.view(typenet::host_upload{});
  using view_type = std::remove_cvref_t<decltype(view)>;
  static_assert(std::is_trivially_copyable_v<view_type>);
  static_assert(view_type::sample_shape == Set::sample_shape);

  REQUIRE(view.size() == set.size());
  for (typenet::index i = 0; i < set.size(); ++i) {
    CAPTURE(i);
    CHECK(view.label(i) == set.label(i));
    for (const typenet::sample_key& key : some_keys()) {
      CAPTURE(key.epoch);
      CAPTURE(key.augment);
      const std::vector<float> expected = read_sample(set, i, key);
      std::vector<float> dense(expected.size(), std::numeric_limits<float>::quiet_NaN());
      view.read(i, key, dense.data());
      CHECK(same_bits(dense, expected));
      CHECK(same_bits(read_strided(view, i, key), expected));
    }
  }
}

/// An upload that copies each array and then overwrites the original. The owner of the original must not be const.
class spoiling_upload {
 public:
  template <class T>
  const T* operator()(std::span<const T> values) const {
    const auto copy = std::make_shared<std::vector<T>>(values.begin(), values.end());
    held_->push_back(copy);
    std::memset(static_cast<void*>(const_cast<T*>(values.data())), 0x5A, values.size_bytes());
    return copy->data();
  }
  [[nodiscard]] std::size_t arrays() const { return held_->size(); }

 private:
  std::shared_ptr<std::vector<std::shared_ptr<void>>> held_ = std::make_shared<std::vector<std::shared_ptr<void>>>();
};

/// Checks that a view reads only the uploaded copies. Overwrites the data set; for a subset, overwrites the underlying data set.
/// @param arrays the number of arrays that the data set uploads
template <class Set>
void check_uploaded(Set& set, std::size_t arrays) {
  std::vector<int> labels;
  std::vector<std::uint32_t> keys;
  std::vector<std::vector<float>> samples;
  for (typenet::index i = 0; i < set.size(); ++i) {
    labels.push_back(set.label(i));
    keys.push_back(set.view(typenet::host_upload{}).key_of(i));
    for (const typenet::sample_key& key : some_keys()) samples.push_back(read_sample(set, i, key));
  }
  const spoiling_upload upload;
  const auto view = set.view(upload);
  CHECK(upload.arrays() == arrays);
  REQUIRE(view.size() == static_cast<typenet::index>(labels.size()));
  std::size_t s = 0;
  for (typenet::index i = 0; i < view.size(); ++i) {
    CAPTURE(i);
    CHECK(view.label(i) == labels[static_cast<std::size_t>(i)]);
    CHECK(view.key_of(i) == keys[static_cast<std::size_t>(i)]);
    for (const typenet::sample_key& key : some_keys()) CHECK(same_bits(read_strided(view, i, key), samples[s++]));
  }
}
