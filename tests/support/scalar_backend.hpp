// SPDX-License-Identifier: MIT
// A backend whose pack is a plain number: the very kernels of the layers, one sample an item, in small pieces as for many workers.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include <typenet/backends/batch_state.hpp>
#include <typenet/simd/pack.hpp>

namespace testing {

template <class Scalar, int Lanes = 4>
struct scalar_backend {
  using scalar = Scalar;
  using pack = Scalar;
  static constexpr int lanes = Lanes;
  static constexpr bool host_memory = true;

  template <class T>
  class memory {
   public:
    memory() = default;
    explicit memory(typenet::index size) : data_(static_cast<std::size_t>(size)) {}
    T* data() { return data_.data(); }
    const T* data() const { return data_.data(); }
    typenet::index size() const { return static_cast<typenet::index>(data_.size()); }
    void copy_from(std::span<const T> from, typenet::index first = 0) { std::copy(from.begin(), from.end(), data_.begin() + first); }
    void copy_to(std::span<T> to, typenet::index first = 0) const { std::copy_n(data_.begin() + first, to.size(), to.begin()); }

   private:
    std::vector<T> data_;
  };
  using array = memory<Scalar>;

  class execution : public typenet::batch_state {
   public:
    using scalar = Scalar;
    using pack = Scalar;
    static constexpr int lanes = Lanes;
    static constexpr bool many_workers = true;
    explicit execution(const typenet::batch_state& state) : batch_state{state} {}
    typenet::index blocks() const { return (batch() + lanes - 1) / lanes * lanes; }
    template <class F>
    void for_each(typenet::index items, const F& f) {
      // Backwards: kernels promise that the order of their items does not matter.
      for (typenet::index i = items; i-- > 0;) f(i);
    }
    /// In three parts, as several workers would: a kernel may not count on seeing the whole at once.
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

  class stream {
   public:
    template <class Task>
    void run(int, const typenet::batch_state& state, const Task& task) const {
      execution mine{state};
      task(mine);
    }
  };
};

}  // namespace testing
