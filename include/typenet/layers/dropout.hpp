// SPDX-License-Identifier: MIT
/// @file
/// dropout: numbers set to zero at random while training.
#pragma once

#include <cstddef>
#include <cstdint>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/random.hpp>
#include <typenet/core/real.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>

namespace typenet {

/// While training, zeroes each number with probability `P` and multiplies the others by 1 / (1 − P); otherwise does nothing.
///
/// Which numbers go is a function of (seed, layer, epoch, sample, index) alone, so it depends on neither threads nor batches,
/// and the backward pass draws the same again where the forward pass has no cheap way to keep a bit of each.
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

  /// A bit of each number: whether it was dropped. Kept where that is what a comparison makes.
  static constexpr index saved_size(shape in) { return detail::ceil_div(in.size(), 32); }

  template <shape In, class Exec, class Data>
  TYPENET_HD static void forward(Exec& exec, const Data& data) {
    if (exec.training())
      draw<In, false, true>(exec, data, data.input, data.output);
    else if (data.input.base != data.output.base)
      lane::pass_values<In.size(), false>(exec, data.input, data.output);
  }
  template <shape In, bool Accumulate, class Exec, class Data>
  TYPENET_HD static void backward_input(Exec& exec, const Data& data) {
    using pack = typename Exec::pack;
    if (!exec.training()) {
      if (data.output_gradient.base != data.input_gradient.base)
        lane::pass_values<In.size(), Accumulate>(exec, data.output_gradient, data.input_gradient);
    } else if constexpr (lane::bit_masks<pack>) {
      lane::for_each_pack<In.size()>(exec, [=] TYPENET_HD(index block, index offset) {
        lane::mask_t<pack> dropped;
        copy(kept<Exec>(data, block, offset / Exec::lanes), reinterpret_cast<unsigned char*>(&dropped), sizeof dropped);
        put<Accumulate, pack>(lane::block<pack>(data.output_gradient, block) + offset,
                              lane::block<pack>(data.input_gradient, block) + offset, dropped);
      });
    } else {
      draw<In, Accumulate, false>(exec, data, data.output_gradient, data.input_gradient);
    }
  }

  // What follows is public for nvcc's sake.

  /// Numbers of `source`, dropped or scaled, to `target`.
  /// @tparam Keep whether to write down which were dropped
  template <shape In, bool Accumulate, bool Keep, class Exec, class Data, class From, class To>
  TYPENET_HD static void draw(Exec& exec, const Data& data, const From& source, const To& target) {
    using pack = typename Exec::pack;
    // A block of four random words serves four neighbouring elements.
    constexpr index quads = detail::ceil_div(In.size(), 4);
    const std::uint32_t substream = data.random_substream;
    const auto* const keys = exec.keys();
    const std::uint32_t* const samples = exec.samples();
    exec.for_each(exec.blocks() * quads, [=] TYPENET_HD(index item) {
      // A word below this drops its element.
      constexpr auto threshold = static_cast<std::uint32_t>(P.value() * 4294967296.0);
      const index block = item / quads;
      const auto quad = static_cast<std::uint32_t>(item % quads);
      const counter_rng rng{keys->seed, random_stream::dropout, substream};
      constexpr int lanes_per_thread = lane::lanes_per_thread<pack>;
      alignas(64) std::uint32_t words[4][lanes_per_thread];
      rng.template for_lanes<lanes_per_thread>(keys->epoch, samples + block * lane::width<pack> + lane::first_lane<pack>(), quad, words);
      const index first = index{quad} * 4;
      const int count = first + 4 <= In.size() ? 4 : static_cast<int>(In.size() - first);
      auto* const bits = kept<Exec>(data, block, first);
      for (int i = 0; i < count; ++i) {
        const index at = (first + i) * Exec::lanes;
        const lane::mask_t<pack> dropped = lane::below<pack>(words[i], threshold);
        if constexpr (Keep && lane::bit_masks<pack>)
          copy(reinterpret_cast<const unsigned char*>(&dropped), bits + index{i} * index{sizeof dropped}, sizeof dropped);
        put<Accumulate, pack>(lane::block<pack>(source, block) + at, lane::block<pack>(target, block) + at, dropped);
      }
    });
  }

  /// One number of each sample.
  template <bool Accumulate, class Pack>
  TYPENET_HD TYPENET_INLINE static void put(const lane::scalar_t<Pack>* from, lane::scalar_t<Pack>* to, const lane::mask_t<Pack>& dropped) {
    constexpr auto scale = static_cast<lane::scalar_t<Pack>>(1 / (1 - P.value()));
    const Pack factor = lane::select(dropped, Pack(0), scale);
    lane::store_or_add<Accumulate>(to, lane::load<Pack>(from) * factor);
  }
  TYPENET_HD TYPENET_INLINE static void copy(const unsigned char* from, unsigned char* to, std::size_t bytes) {
    for (std::size_t b = 0; b < bytes; ++b) to[b] = from[b];
  }
  /// Where the bits of a number of each sample lie.
  template <class Exec, class Data>
  TYPENET_HD TYPENET_INLINE static auto* kept(const Data& data, index block, index number) {
    using pack = typename Exec::pack;
    return reinterpret_cast<unsigned char*>(lane::block<pack>(data.saved, block)) + number * index{sizeof(lane::mask_t<pack>)};
  }
};

}  // namespace typenet
