// SPDX-License-Identifier: MIT
// A backend whose pack is a plain number: the very kernels of the layers, one sample an item, as a GPU thread would run them.
#pragma once

#include <span>
#include <vector>

#include <typenet/backends/batch.hpp>
#include <typenet/lane.hpp>

namespace testing {

template <class Scalar, int Lanes = 4>
struct scalar_backend {
  using scalar = Scalar;
  using pack = Scalar;
  static constexpr int lanes = Lanes;

  class array {
   public:
    array() = default;
    explicit array(typenet::index size) : data_(static_cast<std::size_t>(size)) {}
    Scalar* data() { return data_.data(); }
    const Scalar* data() const { return data_.data(); }
    typenet::index size() const { return static_cast<typenet::index>(data_.size()); }
    std::span<Scalar> span() { return data_; }
    std::span<const Scalar> span() const { return data_; }

   private:
    std::vector<Scalar> data_;
  };

  struct member {};

  class execution : public typenet::batch_state {
   public:
    using scalar = Scalar;
    using pack = Scalar;
    static constexpr int lanes = Lanes;
    execution(const typenet::batch_state& state, const member&) : batch_state{state} {}
    typenet::index blocks() const { return (batch() + lanes - 1) / lanes * lanes; }
    template <class F>
    void for_each(typenet::index items, const F& f) {
      // Backwards: kernels promise that the order of their items does not matter.
      for (typenet::index i = items; i-- > 0;) f(i);
    }
  };

  static int max_threads() { return 1; }
  template <class F>
  static void run(int, const F& f) {
    f(member{});
  }
};

}  // namespace testing
