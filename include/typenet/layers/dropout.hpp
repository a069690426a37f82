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
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    apply<In, false>(exec, data, data.input, data.output);
  }
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    apply<In, Accumulate>(exec, data, data.output_gradient, data.input_gradient);
  }

  /// Both passes: numbers of `source`, dropped or scaled, to `target`.
  template <shape In, bool Accumulate, class Exec, class Data, class From, class To>
  TYPENET_HD static void apply(Exec& exec, const Data& data, const From& source, const To& target) {
    using pack = typename Exec::pack;
    using scalar = typename Exec::scalar;
    // A block of four random words serves four neighbouring elements.
    constexpr index quads = detail::ceil_div(In.size(), 4);
    if (!exec.training()) {
      if (source.base == target.base) return;
      lane::for_each_pack<In.size()>(exec, [=] TYPENET_HD(index block, index offset) {
        lane::put<Accumulate, pack>(target.template block<pack>(block) + offset,
                                    lane::load<pack>(source.template block<pack>(block) + offset));
      });
      return;
    }
    const std::uint32_t substream = data.random_substream;
    const auto* const keys = exec.keys();
    const std::uint32_t* const samples = exec.samples();
    exec.for_each(exec.blocks() * quads, [=] TYPENET_HD(index item) {
      // A word below this drops its element.
      constexpr auto threshold = static_cast<std::uint32_t>(P.value() * 4294967296.0);
      constexpr auto scale = static_cast<scalar>(1 / (1 - P.value()));
      const index block = item / quads;
      const auto quad = static_cast<std::uint32_t>(item % quads);
      const counter_rng rng{keys->seed, random_stream::dropout, substream};
      constexpr int slots = lane::slots<pack>;
      std::uint32_t words[4][slots];
      rng.template for_lanes<slots>(keys->epoch, samples + block * lane::width<pack> + lane::first_slot<pack>(), quad, words);
      const index first = index{quad} * 4;
      const int count = first + 4 <= In.size() ? 4 : static_cast<int>(In.size() - first);
      for (int i = 0; i < count; ++i) {
        const index at = (first + i) * Exec::lanes;
        alignas(64) scalar keep[slots];
        TYPENET_UNROLL
        for (int slot = 0; slot < slots; ++slot) keep[slot] = words[i][slot] < threshold ? scalar{0} : scale;
        const pack value = lane::load<pack>(source.template block<pack>(block) + at) * lane::from_slots<pack>(keep);
        lane::put<Accumulate, pack>(target.template block<pack>(block) + at, value);
      }
    });
  }
};

}  // namespace typenet
