// SPDX-License-Identifier: MIT
/// @file
/// dropout: random zeroing in training.
#pragma once

#include <cstddef>
#include <cstdint>

#include <typenet/core/ceil_div.hpp>
#include <typenet/core/config.hpp>
#include <typenet/core/diagnostics.hpp>
#include <typenet/core/random.hpp>
#include <typenet/core/real.hpp>
#include <typenet/core/shape.hpp>
#include <typenet/layer/layer.hpp>
#include <typenet/simd/lane_view.hpp>
#include <typenet/simd/loops.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

/// In training, zeroes each number with probability `P` and multiplies the others by 1 / (1 − P). Otherwise passes its input on.
///
/// The random draws depend on (seed, layer, epoch, sample, index of the number) alone, not on threads or batches. The backward pass reads
/// the forward pass's decisions from `saved` where a comparison yields one bit per lane; elsewhere it draws them again.
/// @tparam P probability of zeroing, at least 0 and below 1
/// @see Srivastava et al. 2014; torch.nn.Dropout
template <real P>
struct dropout : layer_defaults {
  static constexpr bool backward_reads_input = false;
  static constexpr bool in_place = true;

  template <shape In>
  static constexpr auto check() {
    if constexpr (!P.is_number())
      return needs::a_decimal_number{};
    else if constexpr (P.value() < 0 || P.value() >= 1)
      return needs::a_probability_below_one{};
    else
      return accepted{};
  }
  static constexpr shape output(shape in) { return in; }

  /// One bit for each number, set where it was zeroed.
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
        copy(saved_mask<Exec>(data, block, offset / Exec::lanes), reinterpret_cast<unsigned char*>(&dropped), sizeof dropped);
        store_masked<Accumulate, pack>(lane::block<pack>(data.output_gradient, block) + offset,
                                       lane::block<pack>(data.input_gradient, block) + offset, dropped);
      });
    } else {
      draw<In, Accumulate, false>(exec, data, data.output_gradient, data.input_gradient);
    }
  }

  // Public because nvcc allows no device lambdas in private members.

  /// Draws random words and writes the numbers of `source`, zeroed or scaled, to `target`.
  /// @param source view of the numbers, `[group][number][lane]`
  /// @param target view of the results, `[group][number][lane]`
  /// @tparam Keep true where the decisions go to `saved`
  template <shape In, bool Accumulate, bool Keep, class Exec, class Data, class From, class To>
  TYPENET_HD static void draw(Exec& exec, const Data& data, const From& source, const To& target) {
    using pack = typename Exec::pack;
    // One draw gives four random words, for four neighboring elements.
    constexpr index quads = detail::ceil_div(In.size(), 4);
    const std::uint32_t substream = data.random_substream;
    const auto* const keys = exec.keys();
    const std::uint32_t* const samples = exec.samples();
    exec.for_each(exec.blocks() * quads, [=] TYPENET_HD(index item) {
      // A word below the threshold zeroes its element.
      constexpr auto threshold = static_cast<std::uint32_t>(P.value() * 4294967296.0);
      const index block = item / quads;
      const auto quad = static_cast<std::uint32_t>(item % quads);
      const counter_rng rng{keys->seed, random_stream::dropout, substream};
      constexpr int lanes_per_thread = lane::lanes_per_thread<pack>;
      alignas(64) std::uint32_t words[4][lanes_per_thread];
      rng.template for_lanes<lanes_per_thread>(keys->epoch, samples + block * lane::width<pack> + lane::first_lane<pack>(), quad, words);
      const index first = index{quad} * 4;
      const int count = first + 4 <= In.size() ? 4 : static_cast<int>(In.size() - first);
      auto* const bits = saved_mask<Exec>(data, block, first);
      for (int i = 0; i < count; ++i) {
        const index at = (first + i) * Exec::lanes;
        const lane::mask_t<pack> dropped = lane::below<pack>(words[i], threshold);
        if constexpr (Keep && lane::bit_masks<pack>)
          copy(reinterpret_cast<const unsigned char*>(&dropped), bits + index{i} * index{sizeof dropped}, sizeof dropped);
        store_masked<Accumulate, pack>(lane::block<pack>(source, block) + at, lane::block<pack>(target, block) + at, dropped);
      }
    });
  }

  /// Stores or adds one number of each sample, zeroed or scaled.
  template <bool Accumulate, class Pack>
  TYPENET_HD TYPENET_INLINE static void store_masked(const lane::scalar_t<Pack>* from, lane::scalar_t<Pack>* to,
                                                     const lane::mask_t<Pack>& dropped) {
    constexpr auto scale = static_cast<lane::scalar_t<Pack>>(1 / (1 - P.value()));
    const Pack factor = lane::select(dropped, Pack(0), scale);
    lane::store_or_add<Accumulate>(to, lane::load<Pack>(from) * factor);
  }
  /// Copies bytes; masks have no alignment in `saved`.
  TYPENET_HD TYPENET_INLINE static void copy(const unsigned char* from, unsigned char* to, std::size_t bytes) {
    for (std::size_t b = 0; b < bytes; ++b) to[b] = from[b];
  }
  /// The address in `saved` of the mask of one number of each sample.
  template <class Exec, class Data>
  TYPENET_HD TYPENET_INLINE static auto* saved_mask(const Data& data, index block, index number) {
    using pack = typename Exec::pack;
    return reinterpret_cast<unsigned char*>(lane::block<pack>(data.saved, block)) + number * index{sizeof(lane::mask_t<pack>)};
  }
};

}  // namespace typenet
