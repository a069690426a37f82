// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <typenet/data/dataset.hpp>
#include <typenet/data/image_dataset.hpp>
#include <typenet/data/split.hpp>
#include <typenet/data/subset.hpp>
#include <typenet/data/tensor_dataset.hpp>

#include "read_view.hpp"

namespace tn = typenet;

namespace {

constexpr tn::shape point{2};
constexpr tn::shape tiny{1, 2, 2};
using points = tn::tensor_dataset<point, 3>;
using tiny_images = tn::image_dataset<tiny, 4>;

static_assert(tn::dataset<points>);
static_assert(!tn::byte_image_dataset<points>);
static_assert(tn::byte_image_dataset<tiny_images>);
static_assert(tn::dataset<tn::subset<points>>);
static_assert(!tn::byte_image_dataset<tn::subset<points>>);
static_assert(tn::byte_image_dataset<tn::subset<tiny_images>>);
static_assert(!tn::dataset<int>);
static_assert(!tn::dataset<std::vector<float>>);

// Splits and subsets of a temporary data set do not compile.
template <class Set>
concept can_split = requires(Set&& set) { tn::stratified_split(std::forward<Set>(set), 1, tn::seed{}); };
static_assert(can_split<points&> && can_split<const points&> && !can_split<points> && !can_split<const points>);
template <class Set>
concept can_split_at_random = requires(Set&& set) { tn::random_split(std::forward<Set>(set), {1, 2}, tn::seed{}); };
static_assert(can_split_at_random<points&> && can_split_at_random<const points&>);
static_assert(!can_split_at_random<points> && !can_split_at_random<const points>);
static_assert(!std::is_constructible_v<tn::subset<points>, points, std::vector<tn::index>>);

// A user-defined data set that computes its samples.
struct counting {
  static constexpr tn::shape sample_shape{1};
  static constexpr int classes = 2;
  [[nodiscard]] tn::index size() const { return 10; }
  void read(tn::index i, const tn::sample_key& key, std::span<float> out) const {
    out[0] = static_cast<float>(i) + (key.augment ? 0.5f : 0.0f);
  }
  [[nodiscard]] int label(tn::index i) const { return static_cast<int>(i % 2); }
};
static_assert(tn::dataset<counting>);

// `counting` has no view: devices can read neither this data set nor a subset of it.
static_assert(!tn::resident_dataset<counting> && !tn::resident_dataset<tn::subset<counting>>);
static_assert(tn::resident_dataset<points> && tn::resident_dataset<tiny_images>);
static_assert(tn::resident_dataset<tn::subset<points>> && tn::resident_dataset<tn::subset<tn::subset<tiny_images>>>);
static_assert(!tn::resident_dataset<std::vector<float>>);

// A user-defined data set that devices can read. Every sample is a multiple of a stored number.
struct multiples : counting {
  struct on_device {
    static constexpr tn::shape sample_shape{1};
    const float* unit;
    [[nodiscard]] TYPENET_HD tn::index size() const { return 10; }
    [[nodiscard]] TYPENET_HD int label(tn::index i) const { return static_cast<int>(i % 2); }
    [[nodiscard]] TYPENET_HD std::uint32_t key_of(tn::index i) const { return static_cast<std::uint32_t>(i); }
    template <class Out>
    TYPENET_HD void read(tn::index i, const tn::sample_key&, Out out) const {
      out[0] = static_cast<float>(i) * *unit;
    }
  };
  std::vector<float> unit{3};
  void read(tn::index i, const tn::sample_key& key, std::span<float> out) const { view(tn::host_upload{}).read(i, key, out.data()); }
  template <class Upload>
  [[nodiscard]] on_device view(const Upload& upload) const {
    return {upload(std::span<const float>{unit})};
  }
};
static_assert(tn::resident_dataset<multiples> && tn::resident_dataset<tn::subset<multiples>>);

// Invalid views: a view is trivially copyable, has the shape of the data set, and offers key_of.
struct view_of_vectors : multiples {
  struct on_device : multiples::on_device {
    std::vector<float> more;
  };
  [[nodiscard]] on_device view(const auto&) const { return {}; }
};
struct view_of_other_shape : multiples {
  struct on_device : multiples::on_device {
    static constexpr tn::shape sample_shape{2};
  };
  [[nodiscard]] on_device view(const auto&) const { return {}; }
};
struct view_without_keys : multiples {
  struct on_device : multiples::on_device {
    void key_of() const {}
  };
  [[nodiscard]] on_device view(const auto&) const { return {}; }
};
static_assert(tn::dataset<view_of_vectors> && !tn::resident_dataset<view_of_vectors>);
static_assert(tn::dataset<view_of_other_shape> && !tn::resident_dataset<view_of_other_shape>);
static_assert(tn::dataset<view_without_keys> && !tn::resident_dataset<view_without_keys>);

struct sizeless : counting {
  void size() const {}
};
static_assert(!tn::dataset<sizeless>);

bool equal(const auto& a, const auto& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

template <class Made>
std::string message_of(const Made& make) {
  try {
    make();
  } catch (const tn::argument_error& e) {
    return e.what();
  }
  return "nothing thrown";
}

}  // namespace

TEST_CASE("tensor_dataset gives back what it was given") {
  const points set{{1, 2, 3, 4, 5, 6}, {2, 0, 1}};
  CHECK(set.size() == 3);
  CHECK(set.label(0) == 2);
  std::array<float, 2> sample{};
  set.read(1, {}, sample);
  CHECK(sample == std::array<float, 2>{3, 4});
  CHECK(points{{}, {}}.size() == 0);
}

TEST_CASE("data sets refuse counts that disagree and labels that are no classes") {
  CHECK(message_of([] { points{{1, 2, 3}, {0, 1}}; }) ==
        "tensor_dataset: 2 labels need as many samples of 2 = 2 values each, found 3 values");
  CHECK(message_of([] { tiny_images{std::vector<std::uint8_t>(12), {0, 1}}; }) ==
        "image_dataset: 2 labels need as many samples of 1x2x2 = 4 values each, found 12 values");
  CHECK(message_of([] { points{{1, 2, 3, 4}, {0, 3}}; }) == "tensor_dataset: label 3 of sample 1 is not a class; expected 0 to 2");
  CHECK(message_of([] { points{{1, 2, 3, 4}, {-1, 0}}; }) == "tensor_dataset: label -1 of sample 0 is not a class; expected 0 to 2");
}

TEST_CASE("image_dataset reads bytes as 0 to 1") {
  const tiny_images set{{0, 51, 102, 255, 1, 2, 3, 4}, {3, 0}};
  std::array<float, 4> sample{};
  set.read(0, {}, sample);
  CHECK(sample == std::array<float, 4>{0, 51 / 255.0f, 102 / 255.0f, 1});
  CHECK(equal(set.bytes(1), std::array<std::uint8_t, 4>{1, 2, 3, 4}));
}

TEST_CASE("subset forwards to its samples, under their index in the whole") {
  const counting whole;
  const tn::subset<counting> part{whole, {7, 2, 2}};
  CHECK(part.size() == 3);
  CHECK(part.label(0) == 1);
  CHECK(part.label(1) == 0);
  std::array<float, 1> sample{};
  part.read(0, {}, sample);
  CHECK(sample[0] == 7.5f);
  part.read(2, tn::sample_key::evaluation(), sample);
  CHECK(sample[0] == 2.0f);
  CHECK(message_of([&] { tn::subset<counting>{whole, {0, 10}}; }) == "subset: sample 10 of a data set of 10");
  CHECK(message_of([&] { tn::subset<counting>{whole, {-1}}; }) == "subset: sample -1 of a data set of 10");

  const tiny_images images{{0, 51, 102, 255, 1, 2, 3, 4}, {3, 0}};
  const tn::subset<tiny_images> second{images, {1}};
  CHECK(second.bytes(0)[3] == 4);
}

TEST_CASE("stratified_split keeps the shares of the classes, misses no sample, and follows the seed") {
  // A data set with 500 samples of class 0, 300 of class 1 and 3 of class 2, interleaved.
  std::vector<int> labels;
  for (int i = 0; i < 803; ++i) labels.push_back(i >= 800 ? 2 : i % 8 < 5 ? 0 : 1);
  std::vector<float> values(labels.size() * 2);
  std::iota(values.begin(), values.end(), 0.0f);
  const points set{values, labels};

  const auto [train, held_out] = tn::stratified_split(set, 100, tn::seed{7});
  CHECK(train.size() == 703);
  CHECK(held_out.size() == 100);
  std::array<int, 3> count{};
  for (tn::index i = 0; i < held_out.size(); ++i) ++count[static_cast<std::size_t>(held_out.label(i))];
  CHECK(count == std::array<int, 3>{62, 37, 1});  // exact counts are 62.267, 37.360 and 0.374; the remaining sample goes to class 2

  std::vector<tn::index> all{train.indices().begin(), train.indices().end()};
  CHECK(std::is_sorted(all.begin(), all.end()));
  CHECK(std::is_sorted(held_out.indices().begin(), held_out.indices().end()));
  all.insert(all.end(), held_out.indices().begin(), held_out.indices().end());
  std::sort(all.begin(), all.end());
  std::vector<tn::index> expected(803);
  std::iota(expected.begin(), expected.end(), tn::index{0});
  CHECK(all == expected);

  const auto again = tn::stratified_split(set, 100, tn::seed{7});
  const auto other = tn::stratified_split(set, 100, tn::seed{8});
  CHECK(equal(again.held_out.indices(), held_out.indices()));
  CHECK(!equal(other.held_out.indices(), held_out.indices()));
}

TEST_CASE("stratified_split at its limits") {
  const counting set;
  CHECK(tn::stratified_split(set, 0, tn::seed{1}).train.size() == 10);
  CHECK(tn::stratified_split(set, 10u, tn::seed{1}).train.size() == 0);
  CHECK(tn::stratified_split(set, 0.25, tn::seed{1}).held_out.size() == 3);
  CHECK(tn::stratified_split(set, 0.25f, tn::seed{1}).train.size() == 7);
  CHECK(tn::stratified_split(set, 1.0, tn::seed{1}).held_out.size() == 10);
  CHECK(message_of([&] { (void)tn::stratified_split(set, 11, tn::seed{1}); }) == "stratified_split: cannot hold out 11 of 10 samples");
  CHECK(message_of([&] { (void)tn::stratified_split(set, -1, tn::seed{1}); }) == "stratified_split: cannot hold out -1 of 10 samples");
  CHECK_THROWS_AS((void)tn::stratified_split(set, 1.5, tn::seed{1}), tn::argument_error);
  CHECK_THROWS_AS((void)tn::stratified_split(set, 0.0 / 0.0, tn::seed{1}), tn::argument_error);
  const points none{{}, {}};
  CHECK(tn::stratified_split(none, 0, tn::seed{1}).train.size() == 0);
}

TEST_CASE("random_split gives parts of the lengths wanted, misses no sample, and follows the seed") {
  const points set{std::vector<float>(2000), std::vector<int>(1000)};
  const auto [train, validation, rest] = tn::random_split(set, {700, 250, 50}, tn::seed{7});
  CHECK(train.size() == 700);
  CHECK(validation.size() == 250);
  CHECK(rest.size() == 50);
  std::vector<tn::index> all;
  for (const auto* part : {&train, &validation, &rest}) {
    CHECK(std::is_sorted(part->indices().begin(), part->indices().end()));
    all.insert(all.end(), part->indices().begin(), part->indices().end());
  }
  std::sort(all.begin(), all.end());
  std::vector<tn::index> expected(1000);
  std::iota(expected.begin(), expected.end(), tn::index{0});
  CHECK(all == expected);
  // The samples come from the whole data set. The mean of 250 numbers of 0 … 999 has a standard deviation of about 16.
  const double sum = std::accumulate(validation.indices().begin(), validation.indices().end(), 0.0);
  CHECK(sum / 250 > 420);
  CHECK(sum / 250 < 580);

  CHECK(equal(tn::random_split(set, {700, 250, 50}, tn::seed{7})[1].indices(), validation.indices()));
  CHECK(!equal(tn::random_split(set, {700, 250, 50}, tn::seed{8})[1].indices(), validation.indices()));
}

TEST_CASE("random_split at its limits") {
  const counting set;
  CHECK(tn::random_split(set, {10}, tn::seed{1})[0].size() == 10);
  CHECK(tn::random_split(set, {0, 10, 0}, tn::seed{1})[1].size() == 10);
  const points none{{}, {}};
  CHECK(tn::random_split(none, {0, 0}, tn::seed{1})[1].size() == 0);
  const auto message = [&](const tn::index(&lengths)[2]) { return message_of([&] { (void)tn::random_split(set, lengths, tn::seed{1}); }); };
  CHECK(message({5, 4}) == "random_split: parts of 5 + 4 samples of a data set of 10");
  CHECK(message({5, 6}) == "random_split: parts of 5 + 6 samples of a data set of 10");
  CHECK(message({11, -1}) == "random_split: parts of 11 + -1 samples of a data set of 10");
  CHECK(message({-1, 11}) == "random_split: parts of -1 + 11 samples of a data set of 10");
}

TEST_CASE("the view of a data set reads what the data set reads") {
  const points numbers{{1, 2, 3, 4, 5, 6}, {2, 0, 1}};
  check_view(numbers);
  check_view(points{{}, {}});
  const tiny_images images{{0, 51, 102, 255, 1, 2, 3, 4, 250, 128, 127, 9}, {3, 0, 2}};
  check_view(images);
  const multiples computed;
  check_view(computed);
  check_view(tn::subset{numbers, {2, 0, 0}});
  check_view(tn::subset{computed, {9, 3}});
  const tn::subset part{images, {2, 1, 2}};
  check_view(part);
  check_view(tn::subset{part, {1, 2}});
}

TEST_CASE("a view's samples are keyed by their index in the whole") {
  const points whole{{1, 2, 3, 4, 5, 6}, {2, 0, 1}};
  const tn::subset part{whole, {2, 0, 1}};
  const tn::subset part_of_part{part, {0, 2}};
  CHECK(whole.view(tn::host_upload{}).key_of(1) == 1);
  CHECK(part.view(tn::host_upload{}).key_of(0) == 2);
  CHECK(part_of_part.view(tn::host_upload{}).key_of(0) == 2);
  CHECK(part_of_part.view(tn::host_upload{}).key_of(1) == 1);
}

TEST_CASE("a view reads what was uploaded, and the uploaded alone") {
  points numbers{{1, 2, 3, 4, 5, 6}, {2, 0, 1}};
  check_uploaded(numbers, 2);
  points whole{{1, 2, 3, 4, 5, 6}, {2, 0, 1}};
  tn::subset part{whole, {2, 1, 2}};
  check_uploaded(part, 3);
  tiny_images images{{0, 51, 102, 255, 1, 2, 3, 4}, {3, 0}};
  check_uploaded(images, 2);
  multiples computed;
  check_uploaded(computed, 1);
}
