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

 public:
  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    constexpr shape out = base::output(In);
    base::template for_each_window<In, true>(
        exec, typename base::no_start{}, [=] TYPENET_HD(index block, index channel, int row, int column) {
          const auto* from = data.input.template block<pack>(block) + channel * In.area() * Exec::lanes;
          auto* to = data.output.template block<pack>(block) + channel * out.area() * Exec::lanes;
          lane::store<pack>(to + index{row * out.width() + column} * Exec::lanes, maximum<In, pack, Exec::lanes>(from, row, column));
        });
  }

  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    constexpr shape out = base::output(In);
    constexpr bool covers = base::template covers<In>;
    base::template for_each_window<In, covers>(
        exec,
        [=] TYPENET_HD(index block, index channel) {
          base::template clear_plane<In, Accumulate, pack, Exec::lanes>(data.input_gradient.template block<pack>(block) +
                                                                        channel * In.area() * Exec::lanes);
        },
        [=] TYPENET_HD(index block, index channel, int row, int column) {
          const auto* from = data.input.template block<pack>(block) + channel * In.area() * Exec::lanes;
          const auto* gradient = data.output_gradient.template block<pack>(block) + channel * out.area() * Exec::lanes;
          auto* to = data.input_gradient.template block<pack>(block) + channel * In.area() * Exec::lanes;
          const pack most = maximum<In, pack, Exec::lanes>(from, row, column);
          const pack zero = lane::broadcast<pack>(0);
          pack left = lane::load<pack>(gradient + index{row * out.width() + column} * Exec::lanes);
          base::template for_each_input<In>(row, column, [&](int e) TYPENET_LAMBDA_INLINE {
            const auto here = lane::equal<pack>(lane::load<pack>(from + index{e} * Exec::lanes), most);
            lane::put<Accumulate || !covers, pack>(to + index{e} * Exec::lanes, lane::select<pack>(here, left, zero));
            left = lane::select<pack>(here, zero, left);
          });
        });
  }

 private:
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
};

}  // namespace typenet
