// SPDX-License-Identifier: MIT
/// @file
/// Splits of a data set into subsets: stratified_split and random_split.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/core/random.hpp>
#include <typenet/data/dataset.hpp>
#include <typenet/data/stored_samples.hpp>
#include <typenet/data/subset.hpp>

namespace typenet {

/// Draws `count` of the values without replacement and moves them to the front, in the order in which they are drawn (the first `count`
/// steps of the Fisher-Yates shuffle).
/// @pre count <= values.size()
template <class T>
void partial_shuffle(std::vector<T>& values, std::size_t count, random_sequence& random) {
  for (std::size_t k = 0; k < count; ++k) std::swap(values[k], values[k + random.below(static_cast<std::uint32_t>(values.size() - k))]);
}

/// The two parts of a split: `auto [train, validation] = stratified_split(set, 10'000, seed{42});`
template <dataset D>
struct split_result {
  subset<D> train;     ///< the samples that remain
  subset<D> held_out;  ///< the samples that are held out
};

/// Holds out `count` samples, drawn by the seed, with every class in proportion to its share of the whole. Both parts keep the order of the
/// whole, which must outlive them.
/// @throws argument_error unless 0 <= count <= whole.size(), or if a label is not a class
/// @see sklearn.model_selection.train_test_split with stratify
template <dataset D, std::integral Count>
[[nodiscard]] split_result<D> stratified_split(const D& whole, Count count, seed s) {
  const index size = whole.size();
  if (std::cmp_less(count, 0) || std::cmp_greater(count, size))
    throw argument_error{"stratified_split: cannot hold out " + std::to_string(count) + " of " + std::to_string(size) + " samples"};
  detail::check_labels_of("stratified_split", whole);
  const auto wanted = static_cast<std::uint64_t>(count);

  std::vector<std::vector<index>> of_class(static_cast<std::size_t>(D::classes));
  for (index i = 0; i < size; ++i) of_class[static_cast<std::size_t>(whole.label(i))].push_back(i);

  // The largest remainder method: each class gets its share rounded down. The samples left over go to the classes with the largest
  // remainders, one each; of equal remainders the lower class comes first.
  std::vector<std::size_t> quota(of_class.size());  // [class]: samples held out
  std::vector<std::uint64_t> remainder(of_class.size());
  std::uint64_t left = wanted;
  for (std::size_t c = 0; c < of_class.size(); ++c) {
    const std::uint64_t share = of_class[c].size() * wanted;
    quota[c] = size == 0 ? 0 : static_cast<std::size_t>(share / static_cast<std::uint64_t>(size));
    remainder[c] = size == 0 ? 0 : share % static_cast<std::uint64_t>(size);
    left -= quota[c];
  }
  std::vector<std::size_t> order(of_class.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return remainder[a] != remainder[b] ? remainder[a] > remainder[b] : a < b; });
  for (std::size_t k = 0; k < static_cast<std::size_t>(left); ++k) ++quota[order[k]];

  std::vector<bool> held_out(static_cast<std::size_t>(size));
  for (std::size_t c = 0; c < of_class.size(); ++c) {
    std::vector<index>& candidates = of_class[c];
    random_sequence random{counter_rng{s, random_stream::split}, 0, static_cast<std::uint32_t>(c)};
    partial_shuffle(candidates, quota[c], random);
    for (std::size_t k = 0; k < quota[c]; ++k) held_out[static_cast<std::size_t>(candidates[k])] = true;
  }
  std::vector<index> kept, taken;
  kept.reserve(static_cast<std::size_t>(size) - static_cast<std::size_t>(wanted));
  taken.reserve(static_cast<std::size_t>(wanted));
  for (index i = 0; i < size; ++i) (held_out[static_cast<std::size_t>(i)] ? taken : kept).push_back(i);
  return {subset<D>{whole, std::move(kept)}, subset<D>{whole, std::move(taken)}};
}

/// Holds out `fraction` of the samples, rounded to the nearest number of samples.
/// @throws argument_error unless 0 <= fraction <= 1, or if a label is not a class
template <dataset D, std::floating_point Fraction>
[[nodiscard]] split_result<D> stratified_split(const D& whole, Fraction fraction, seed s) {
  if (!(fraction >= 0 && fraction <= 1))
    throw argument_error{"stratified_split: the share held out must lie between 0 and 1, got " + std::to_string(fraction)};
  return stratified_split(whole, static_cast<index>(static_cast<double>(fraction) * static_cast<double>(whole.size()) + 0.5), s);
}

template <dataset D, class Share>
split_result<D> stratified_split(const D&& whole, Share share, seed s) = delete;  // the parts would dangle

/// Reports a type that is no data set.
template <class D, class Share>
  requires(!dataset<D>)
split_result<detail::placeholder_dataset> stratified_split(const D& /*whole*/, Share /*share*/, seed /*s*/) {
  (void)detail::check_dataset<D>();
  std::abort();
}

/// Divides the samples into parts of `lengths` samples, drawn by the seed regardless of their classes. Each part keeps the order of the
/// whole, which must outlive it: `auto [train, validation] = random_split(set, {50'000, 10'000}, seed{42});`
/// @param lengths [part]: samples of each part
/// @throws argument_error unless the lengths are 0 or more and sum to `whole.size()`
/// @see torch.utils.data.random_split
template <dataset D, std::size_t Parts>
[[nodiscard]] std::array<subset<D>, Parts> random_split(const D& whole, const index (&lengths)[Parts], seed s) {
  const index size = whole.size();
  index left = size;
  bool fits = true;
  std::string sum;
  for (const index length : lengths) {
    sum.append(sum.empty() ? "" : " + ").append(std::to_string(length));
    fits = fits && length >= 0 && length <= left;
    if (fits) left -= length;
  }
  if (!fits || left != 0) throw argument_error{"random_split: parts of " + sum + " samples of a data set of " + std::to_string(size)};

  std::vector<index> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), index{0});
  random_sequence random{counter_rng{s, random_stream::split}, 1, 0};  // epoch 1: stratified_split draws from epoch 0
  partial_shuffle(order, order.size(), random);
  auto next = order.begin();
  const auto part = [&](index length) {
    std::vector<index> indices(next, next + length);
    next += length;
    std::sort(indices.begin(), indices.end());
    return subset<D>{whole, std::move(indices)};
  };
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<subset<D>, Parts>{part(lengths[I])...};
  }(std::make_index_sequence<Parts>{});
}

template <dataset D, std::size_t Parts>
std::array<subset<D>, Parts> random_split(const D&& whole, const index (&lengths)[Parts], seed s) = delete;  // the parts would dangle

/// Reports a type that is no data set.
template <class D, std::size_t Parts>
  requires(!dataset<D>)
std::array<subset<detail::placeholder_dataset>, Parts> random_split(const D& /*whole*/, const index (& /*lengths*/)[Parts], seed /*s*/) {
  (void)detail::check_dataset<D>();
  std::abort();
}

}  // namespace typenet
