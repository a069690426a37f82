// SPDX-License-Identifier: MIT
// A complete backend whose pack is a plain number. The kernels of the layers run on one sample at a time, with many small work items as on
// a GPU. It is simple and slow. It uses the freedom of the contracts: items run in reverse order, and sums are made in parts.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <typenet/backends/batch_state.hpp>
#include <typenet/core/config.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/pack.hpp>

namespace testing {

/// Zero-initialized host memory of a fixed size.
template <class T>
class host_memory {
 public:
  host_memory() = default;
  explicit host_memory(typenet::index size) : data_(static_cast<std::size_t>(size)) {}
  T* data() { return data_.data(); }
  const T* data() const { return data_.data(); }
  typenet::index size() const { return static_cast<typenet::index>(data_.size()); }
  void copy_from(std::span<const T> from, typenet::index first = 0) { std::copy(from.begin(), from.end(), data_.begin() + first); }
  void copy_to(std::span<T> to, typenet::index first = 0) const { std::copy_n(data_.begin() + first, to.size(), to.begin()); }

 private:
  std::vector<T> data_;
};

/// Sorts `keys`, `[n]`, in ascending order, and reorders `values`, `[n]`, with them. The sort is stable.
template <class Key, class Value>
void stable_sort_by_key(Key* keys, Value* values, typenet::index n) {
  std::vector<std::pair<Key, Value>> pairs;
  for (typenet::index i = 0; i < n; ++i) pairs.emplace_back(keys[i], values[i]);
  std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (typenet::index i = 0; i < n; ++i) std::tie(keys[i], values[i]) = pairs[static_cast<std::size_t>(i)];
}

/// Converts samples between rows, `[sample][element]`, and lanes, `[group][element][lane]`, number by number.
template <class Scalar, int Lanes, class Stream>
class host_layout_converter {
 public:
  host_layout_converter(typenet::index /*most_samples*/, typenet::index /*most_elements*/) {}
  void to_lanes(Stream&, std::span<const Scalar> rows, typenet::index count, int size, Scalar* to) const {
    for (typenet::index i = 0; i < (count + Lanes - 1) / Lanes * Lanes; ++i)
      for (int e = 0; e < size; ++e)
        to[(i / Lanes * size + e) * Lanes + i % Lanes] = rows[static_cast<std::size_t>((i < count ? i : count - 1) * size + e)];
  }
  void to_rows(Stream&, const typenet::lane_view<const Scalar, Lanes>& from, typenet::index count, int size, std::span<Scalar> rows) const {
    for (typenet::index i = 0; i < count; ++i)
      for (int e = 0; e < size; ++e)
        rows[static_cast<std::size_t>(i * size + e)] = from.base[i / Lanes * from.stride + typenet::index{e} * Lanes + i % Lanes];
  }
};

/// @tparam Scalar `float` or `double`
/// @tparam Lanes number of samples in a lane group; a pack holds one of them
template <class Scalar, int Lanes = 4>
struct scalar_backend {
  using scalar = Scalar;
  using pack = Scalar;
  static constexpr int lanes = Lanes;
  static constexpr bool fuses_layers = true;
  static constexpr bool host_memory = true;
  /// More than one lane group, so that an inference pass crosses group boundaries.
  static constexpr typenet::index inference_samples = 2 * lanes;

  template <class T>
  using memory = testing::host_memory<T>;
  using array = memory<Scalar>;

  class execution : public typenet::batch_state {
   public:
    using scalar = Scalar;
    using pack = Scalar;
    static constexpr int lanes = Lanes;
    static constexpr bool many_workers = true;
    explicit execution(const typenet::batch_state& state) : batch_state{state} {}
    typenet::index blocks() const { return (batch() + lanes - 1) / lanes * lanes; }
    /// Runs the items in reverse order: kernels must be independent of the order.
    template <class F>
    void for_each(typenet::index items, const F& f) {
      for (typenet::index i = items; i-- > 0;) f(i);
    }
    /// Sums the length in three parts, as several threads would: a kernel must accept parts of the length.
    template <int Sums, class Partial, class Finish>
    void reduce(typenet::index items, typenet::index length, const Partial& partial, const Finish& finish) {
      for (typenet::index i = items; i-- > 0;) {
        Scalar total[Sums] = {};
        for (int part = 0; part < 3; ++part) {
          Scalar sum[Sums] = {};
          partial(i, length * part / 3, length * (part + 1) / 3, sum);
          for (int s = 0; s < Sums; ++s) total[s] += sum[s];
        }
        finish(i, total);
      }
    }
  };

  struct recording {};

  class stream {
   public:
    template <class Task>
    void run(int /*threads*/, const typenet::batch_state& state, const Task& task) const {
      execution mine{state};
      task(mine);
    }
    template <class Task>
    void repeat(recording&, int threads, const typenet::batch_state& state, const Task& task, typenet::index times) const {
      for (typenet::index t = 0; t < times; ++t) run(threads, state, task);
    }
    template <class F>
    void for_each(typenet::index n, const F& f) const {
      for (typenet::index i = n; i-- > 0;) f(i);
    }
    template <class Key, class Value>
    void sort_by_key(Key* keys, Value* values, typenet::index n) const {
      stable_sort_by_key(keys, values, n);
    }
    void wait() const {}
  };

  using layout_converter = host_layout_converter<Scalar, Lanes, stream>;

  static int max_threads() { return 1; }
};

}  // namespace testing
