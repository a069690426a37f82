// SPDX-License-Identifier: MIT
/// @file
/// The execution: what a kernel is given to run on, as concepts. Backends define the types; kernels are templates over them.
#pragma once

#include <concepts>
#include <cstdint>

#include <typenet/core/config.hpp>
#include <typenet/simd/pack.hpp>

namespace typenet {

namespace detail {

/// Stands for a kernel's work item in a concept's expression.
struct any_item {
  TYPENET_HD void operator()(index /*item*/) const {}
};
/// Stands for the two halves of a reduction in a concept's expression.
struct any_partial {
  template <class Pack>
  TYPENET_HD void operator()(index /*item*/, index /*first*/, index /*last*/, Pack (& /*sum*/)[1]) const {}
};
struct any_finish {
  template <class Scalar>
  TYPENET_HD void operator()(index /*item*/, const Scalar (& /*total*/)[1]) const {}
};

}  // namespace detail

/// An object that runs the kernels of one batch.
///
/// - `scalar`, `pack`: the number type, and the pack that kernels calculate with (simd/pack.hpp)
/// - `lanes`: samples side by side in storage, a multiple of `lane::width<pack>`
/// - `many_workers`: true where work items are to be small, because thousands of threads share them
/// - `batch()`: samples in the batch; `whole_batch()`: samples in the batch that this one is a part of
/// - `blocks()`: packs that cover the batch
/// - `training()`: true in a training step, false in inference
/// - `keys()`, `samples()`: what random draws are keyed by, and the number of each lane's sample
/// - `for_each(items, f)`: calls `f(item)` once for each item below `items`, in any order; returns when all are done, or queues them in
///   order
/// - `reduce<Sums>(items, length, partial, finish)`: for each item, `partial(item, first, last, pack (&sum)[Sums])` adds what lies in
///   [first, last) to `sum`; the calls for one item cover [0, length). Then `finish(item, const scalar (&total)[Sums])` is called once,
///   with the sums over the length and over the lanes. The order of the additions is fixed
template <class Exec>
concept execution = requires(Exec& exec) {
  typename Exec::scalar;
  typename Exec::pack;
  requires std::same_as<lane::scalar_t<typename Exec::pack>, typename Exec::scalar>;
  requires Exec::lanes > 0 && Exec::lanes % lane::width<typename Exec::pack> == 0;
  { Exec::many_workers } -> std::convertible_to<bool>;
  { exec.batch() } -> std::same_as<index>;
  { exec.whole_batch() } -> std::same_as<index>;
  { exec.blocks() } -> std::same_as<index>;
  { exec.training() } -> std::same_as<bool>;
  { exec.samples() } -> std::convertible_to<const std::uint32_t*>;
  exec.keys();
  exec.for_each(index{1}, detail::any_item{});
  exec.template reduce<1>(index{1}, index{1}, detail::any_partial{}, detail::any_finish{});
};

namespace detail {

/// A minimal execution, never defined: concepts of layers and losses are checked with it.
struct execution_archetype {
  using scalar = float;
  using pack = float;
  static constexpr int lanes = 1;
  static constexpr bool many_workers = false;
  TYPENET_HD index batch() const;
  TYPENET_HD index whole_batch() const;
  TYPENET_HD index blocks() const;
  TYPENET_HD bool training() const;
  TYPENET_HD const std::uint32_t* samples() const;
  template <class F>
  TYPENET_HD void for_each(index items, const F& f);
  template <int Sums, class Partial, class Finish>
  TYPENET_HD void reduce(index items, index length, const Partial& partial, const Finish& finish);
};

}  // namespace detail

/// An execution that holds one sample at a time. Its `pack` is a single number; its `vector` is a register of neighboring numbers of one
/// sample, for kernels that put them in the lanes. A vector may be read, but not written, up to one register past the end of a value.
template <class Exec>
concept one_sample_execution = Exec::lanes == 1 && requires { typename Exec::vector; };

/// An execution that gives each lane group to one thread, or to one team of threads. `for_each_group(f)` calls `f(part, group)` for each
/// group, `part` being the execution of that group alone.
template <class Exec>
concept grouped_execution = requires(Exec& exec, void (*work)(Exec&, index)) { exec.for_each_group(work); };

}  // namespace typenet
