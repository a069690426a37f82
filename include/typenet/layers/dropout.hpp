// SPDX-License-Identifier: MIT
/// @file
/// dropout: numbers set to zero at random while training.
#pragma once

#include <typenet/layer.hpp>
#include <typenet/random.hpp>
#include <typenet/real.hpp>

namespace typenet {

/// While training, zeroes each number with probability `P` and multiplies the others by 1 / (1 − P); otherwise does nothing.
///
/// Which numbers go is a function of (seed, layer, epoch, sample, index) alone, so it depends on neither threads nor batches,
/// and the backward pass draws the same again rather than keep a mask.
/// @see Srivastava et al. 2014; torch.nn.Dropout
template <real P>
struct dropout : layer_defaults {
  static constexpr bool backward_reads_input = false;
  static constexpr bool in_place = true;

  template <shape In>
  static constexpr auto check() {
    if constexpr (P.value() < 0 || P.value() >= 1)
      return needs::a_probability_below_one{};
    else
      return accepted{};
  }
  static constexpr shape output(shape in) { return in; }

  template <shape In, class Exec, class Data>
  static void forward(Exec& exec, const Data& data) {
    apply<In, false>(exec, data, data.input, data.output);
  }
  template <shape In, bool Accumulate, class Exec, class Data>
  static void backward_input(Exec& exec, const Data& data) {
    apply<In, Accumulate>(exec, data, data.output_gradient, data.input_gradient);
  }

 private:
  template <shape In, bool Accumulate, class Exec, class Data, class From, class To>
  static void apply(Exec& exec, const Data& data, const From& source, const To& target) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    constexpr int width = lane::width<pack>;
    // A block of four random words serves four neighbouring elements.
    constexpr index quads = detail::ceil_div(In.size(), 4);
    const bool training = exec.training();
    if (!training && source.base == target.base) return;
    const counter_rng rng{exec.seed(), random_stream::dropout, data.random_substream};
    const std::uint32_t epoch = exec.epoch();
    const std::uint32_t* samples = exec.samples();
    // A word below this drops its element.
    constexpr auto threshold = static_cast<std::uint32_t>(P.value() * 4294967296.0);
    constexpr auto scale = static_cast<scalar>(1.0 / (1.0 - P.value()));
    exec.for_each(exec.blocks() * quads, [=] TYPENET_HD(index item) {
      const index block = item / quads;
      const auto quad = static_cast<std::uint32_t>(item % quads);
      alignas(64) scalar keep[4][width];
      if (training) {
        rng.template for_lanes<width>(epoch, samples + block * width, quad,
                                      [&](int word, int lane, std::uint32_t bits)
                                          TYPENET_LAMBDA_INLINE { keep[word][lane] = bits < threshold ? scalar{0} : scale; });
      } else {
        for (auto& row : keep)
          for (scalar& k : row) k = 1;
      }
      const index first = index{quad} * 4;
      const int count = first + 4 <= In.size() ? 4 : static_cast<int>(In.size() - first);
      for (int i = 0; i < count; ++i) {
        const index at = (first + i) * Exec::lanes;
        const pack value = lane::load<pack>(source.template block<pack>(block) + at) * lane::load<pack>(keep[i]);
        lane::put<Accumulate, pack>(target.template block<pack>(block) + at, value);
      }
    });
  }
};

}  // namespace typenet
