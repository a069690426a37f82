// SPDX-License-Identifier: MIT
/// @file
/// max_pool2d: the largest number of each window.
#pragma once

#include <typenet/detail/pooling.hpp>

namespace typenet {

/// The largest number of each window; where several are equal, the gradient goes to the first in reading order.
/// Options: `stride` (the window by default), `padding` (never the maximum). @see torch.nn.MaxPool2d
template <auto Window, class... Options>
struct max_pool2d : detail::pooling<Window, Options...> {
 private:
  using base = detail::pooling<Window, Options...>;

  template <shape In, class Pack, int Lanes>
  TYPENET_HD TYPENET_INLINE static Pack maximum(const lane::scalar_t<Pack>* plane, int row, int column) {
    Pack most{};
    bool first = true;
    base::template for_each_input<In>(row, column, [&](int e) TYPENET_LAMBDA_INLINE {
      const Pack x = lane::load<Pack>(plane + index{e} * Lanes);
      most = first ? x : lane::max<Pack>(most, x);
      first = false;
    });
    return most;
  }

 public:
  template <shape In, class Exec, class Data>
  static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr shape out = base::output(In);
    exec.for_each(exec.blocks() * In.channels(), [=] TYPENET_HD(index item) {
      const index block = item / In.channels();
      const index channel = item % In.channels();
      const scalar* from = data.input.template block<pack>(block) + channel * In.area() * Exec::lanes;
      scalar* to = data.output.template block<pack>(block) + channel * out.area() * Exec::lanes;
      for (int row = 0; row < out.height(); ++row)
        for (int column = 0; column < out.width(); ++column)
          lane::store<pack>(to + index{row * out.width() + column} * Exec::lanes, maximum<In, pack, Exec::lanes>(from, row, column));
    });
  }

  template <shape In, bool Accumulate, class Exec, class Data>
  static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr shape out = base::output(In);
    // Windows that tile the plane write every input once; others add to zeros.
    constexpr bool covers =
        base::disjoint && base::step == base::window && In.height() % base::window.height == 0 && In.width() % base::window.width == 0;
    exec.for_each(exec.blocks() * In.channels(), [=] TYPENET_HD(index item) {
      const index block = item / In.channels();
      const index channel = item % In.channels();
      const scalar* from = data.input.template block<pack>(block) + channel * In.area() * Exec::lanes;
      const scalar* gradient = data.output_gradient.template block<pack>(block) + channel * out.area() * Exec::lanes;
      scalar* to = data.input_gradient.template block<pack>(block) + channel * In.area() * Exec::lanes;
      if constexpr (!covers) base::template clear_plane<In, Accumulate, pack, Exec::lanes>(to);
      for (int row = 0; row < out.height(); ++row)
        for (int column = 0; column < out.width(); ++column) {
          const pack most = maximum<In, pack, Exec::lanes>(from, row, column);
          const pack zero = lane::broadcast<pack>(0);
          pack left = lane::load<pack>(gradient + index{row * out.width() + column} * Exec::lanes);
          base::template for_each_input<In>(row, column, [&](int e) TYPENET_LAMBDA_INLINE {
            const auto here = lane::equal<pack>(lane::load<pack>(from + index{e} * Exec::lanes), most);
            lane::put<Accumulate || !covers, pack>(to + index{e} * Exec::lanes, lane::select<pack>(here, left, zero));
            left = lane::select<pack>(here, zero, left);
          });
        }
    });
  }
};

}  // namespace typenet
