// SPDX-License-Identifier: MIT
// Lets the first, the second, every allocation of an operation fail: once, and from then on. The operation then throws, leaks nothing, and
// leaves a state that is unchanged, or from which it can be repeated.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <new>
#include <span>
#include <string>
#include <vector>

#include <typenet/data.hpp>
#include <typenet/io.hpp>
#include <typenet/typenet.hpp>

#include "../data/scratch.hpp"
#include "../io/scratch_folder.hpp"

namespace tn = typenet;

namespace {

std::atomic<long> live{0};                                                ///< allocations that are not released yet
std::atomic<long> until_failure{std::numeric_limits<long>::max()};        ///< allocations that succeed before one fails
std::atomic<bool> fails_on{false};                                        ///< true: all fail from then on
std::atomic<std::size_t> limit{std::numeric_limits<std::size_t>::max()};  ///< bytes of the largest allocation that succeeds

void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
  const long left = until_failure.fetch_sub(1);
  if (left == 0 || (left < 0 && fails_on) || size > limit) throw std::bad_alloc{};
  void* const p = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (p == nullptr) throw std::bad_alloc{};
  ++live;
  return p;
}
void release(void* p) noexcept {
  if (p == nullptr) return;
  --live;
  std::free(p);
}

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) { return allocate(size); }
[[gnu::noinline]] void* operator new[](std::size_t size) { return allocate(size); }
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t a) { return allocate(size, static_cast<std::size_t>(a)); }
[[gnu::noinline]] void* operator new[](std::size_t size, std::align_val_t a) { return allocate(size, static_cast<std::size_t>(a)); }
[[gnu::noinline]] void operator delete(void* p) noexcept { release(p); }
[[gnu::noinline]] void operator delete[](void* p) noexcept { release(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { release(p); }
[[gnu::noinline]] void operator delete[](void* p, std::size_t) noexcept { release(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { release(p); }
[[gnu::noinline]] void operator delete[](void* p, std::align_val_t) noexcept { release(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept { release(p); }
[[gnu::noinline]] void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { release(p); }

namespace {

using network = tn::network<tn::input<1, 4, 4>, tn::conv2d<2, 3>, tn::batch_norm<>, tn::relu, tn::flatten, tn::dropout<0.1>, tn::linear<2>>;
using model = tn::model<network>;
using trainer = tn::trainer<model, tn::cross_entropy, tn::adam>;
using data_set = tn::tensor_dataset<tn::shape{1, 4, 4}, 2>;

data_set samples() {
  std::vector<float> values(40 * 16);
  std::vector<int> labels(40);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * i % 17) / 17;
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i % 2);
  return {std::move(values), std::move(labels)};
}

tn::fit_options options() { return {.epochs = 2, .batch_size = 16, .threads = 1, .validation_split = 0.2, .keep_best = true}; }

template <class... Array>
std::string bits_of(const Array&... array) {
  std::string all;
  (all.append(reinterpret_cast<const char*>(array.data()), static_cast<std::size_t>(array.size()) * sizeof(*array.data())), ...);
  return all;
}
std::string bits_of(const model& m) { return bits_of(m.parameter_array(), m.buffer_array()); }
std::string bits_of(const trainer& t) {
  const tn::training_progress& p = t.progress();
  const double numbers[] = {static_cast<double>(p.updates),
                            static_cast<double>(p.epoch),
                            static_cast<double>(p.position),
                            p.loss_sum,
                            static_cast<double>(p.correct),
                            static_cast<double>(t.seed().value),
                            t.best().score,
                            static_cast<double>(t.best().epoch)};
  return bits_of(t.model()) +
         bits_of(t.optimizer_state(0), t.optimizer_state(1), std::span{numbers}, t.best().parameters, t.best().buffers);
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}
std::ptrdiff_t files_in(const std::filesystem::path& folder) {
  return std::distance(std::filesystem::directory_iterator{folder}, std::filesystem::directory_iterator{});
}

/// As long as it lives, allocations succeed.
class pause_of_failures {
 public:
  pause_of_failures() : left_{until_failure.exchange(std::numeric_limits<long>::max())} {}
  pause_of_failures(const pause_of_failures&) = delete;
  pause_of_failures& operator=(const pause_of_failures&) = delete;
  ~pause_of_failures() { until_failure = left_; }

 private:
  long left_;
};

/// Calls `operation` again and again: the first time its first allocation fails, then its second, until none does.
/// @param check called after each failure
/// @returns the failures
template <class Operation, class Check>
long fail_each_allocation(const Operation& operation, const Check& check) {
  operation();  // what is allocated once for the program is allocated now
  long failures = 0;
  for (const bool on : {false, true}) {
    for (long n = 0;; ++n) {
      CAPTURE(on);
      CAPTURE(n);
      const long before = live;
      bool failed = false, expected = true;
      fails_on = on;
      until_failure = n;
      try {
        operation();
      } catch (const std::bad_alloc&) {
        failed = true;
      } catch (const tn::error&) {
        failed = true;
      } catch (...) {
        failed = true;
        expected = false;
      }
      const bool reached = until_failure < 0;
      until_failure = std::numeric_limits<long>::max();
      REQUIRE(expected);
      REQUIRE(live == before);
      if (!reached) break;
      // A failure may be absorbed, as by a sort that does without a buffer.
      if (failed) {
        ++failures;
        check();
      }
    }
  }
  return failures;
}

}  // namespace

TEST_CASE("a model that finds no memory is not constructed") {
  CHECK(fail_each_allocation([] { model m{tn::seed{1}}; }, [] {}) > 0);
  const model original{tn::seed{1}};
  const std::string before = bits_of(original);
  CHECK(fail_each_allocation([&] { const model copy = original; }, [&] { REQUIRE(bits_of(original) == before); }) > 0);
}

TEST_CASE("a prediction that finds no memory for its threads can be repeated") {
  const std::vector<float> inputs(64 * 16, 0.5f);
  std::vector<float> answers(64 * 2), expected(64 * 2);
  model m{tn::seed{1}};
  m.set_threads(1);
  m.predict(inputs, expected, 64);
  const auto check = [&] { REQUIRE(answers == expected); };
  const auto predict = [&](model& with) {
    with.set_threads(3);
    with.predict(inputs, answers, 64);
  };
  const model fresh = m;
  CHECK(fail_each_allocation(
            [&] {
              model copy = fresh;
              predict(copy);
            },
            [&] {
              predict(m);
              check();
            }) > 0);
}

TEST_CASE("fit that finds no memory can be repeated, with the same result") {
  const data_set data = samples();
  const model drawn{tn::seed{1}};
  model straight = drawn;
  tn::fit(straight, data, tn::cross_entropy{}, tn::adam{}, options());
  const std::string expected = bits_of(straight);
  // A fit in one call leaves a model that can be trained.
  model m = drawn;
  CHECK(fail_each_allocation(
            [&] {
              m = drawn;
              tn::fit(m, data, tn::cross_entropy{}, tn::adam{}, options());
            },
            [&] {
              m = drawn;
              tn::fit(m, data, tn::cross_entropy{}, tn::adam{}, options());
              REQUIRE(bits_of(m) == expected);
            }) > 0);
  // A trainer goes on from where it failed. An epoch that could not be compared with the best is not the best.
  auto without_best = options();
  without_best.keep_best = false;
  model last = drawn;
  tn::fit(last, data, tn::cross_entropy{}, tn::adam{}, without_best);
  const std::string bits_of_last = bits_of(last);
  bool same = true;
  CHECK(fail_each_allocation(
            [&] {
              model mine = drawn;
              trainer t{mine, {}, {}, without_best};
              try {
                t.fit(data);
              } catch (const std::bad_alloc&) {
                const pause_of_failures pause;
                t.fit(data);
                same = same && bits_of(mine) == bits_of_last;
                throw;
              }
            },
            [&] { REQUIRE(same); }) > 0);
}

TEST_CASE("evaluate that finds no memory changes nothing") {
  const data_set data = samples();
  model m{tn::seed{1}};
  const std::string before = bits_of(m);
  CHECK(fail_each_allocation([&] { static_cast<void>(tn::evaluate(m, data, tn::cross_entropy{})); },
                             [&] { REQUIRE(bits_of(m) == before); }) > 0);
}

TEST_CASE("a data file that finds no memory is not read") {
  using scratch::operator+;
  const scratch::folder folder;
  const auto images =
      folder.write("t10k-images-idx3-ubyte.gz", scratch::gzip(scratch::idx_header(8, {4, 28, 28}) + scratch::bytes(4 * 784)));
  folder.write("t10k-labels-idx1-ubyte", scratch::idx_header(8, {4}) + scratch::bytes{1, 2, 3, 4});
  CHECK(fail_each_allocation([&] { static_cast<void>(tn::read_idx<std::uint8_t>(images)); }, [] {}) > 0);
  CHECK(fail_each_allocation([&] { static_cast<void>(tn::load_mnist(tn::mnist_split::test, folder.path())); }, [] {}) > 0);
}

TEST_CASE("memory that no machine has is refused with its size") {
  model m{tn::seed{1}};
  auto huge = options();
  huge.batch_size = 100'000'000;
  limit = std::size_t{1} << 30;
  std::string message = "accepted";
  try {
    const trainer t{m, {}, {}, huge};
  } catch (const std::exception& e) {
    limit = std::numeric_limits<std::size_t>::max();
    message = e.what();
  }
  limit = std::numeric_limits<std::size_t>::max();
  CAPTURE(message);
  CHECK(message != "accepted");
  CHECK(std::any_of(message.begin(), message.end(), [](unsigned char c) { return std::isdigit(c) != 0; }));
}

TEST_CASE("a save that finds no memory leaves the old file, and no other") {
  const scratch_folder folder;
  const auto file = folder / "c.safetensors";
  model m{tn::seed{1}};
  trainer t{m, {}, {}, options()};
  t.fit(samples());
  const std::string before = bits_of(t);
  tn::save_checkpoint(file, t);
  const std::string whole = contents(file);
  const auto check = [&] {
    REQUIRE(contents(file) == whole);
    REQUIRE(files_in(folder.path()) == 1);
    REQUIRE(bits_of(t) == before);
  };
  CHECK(fail_each_allocation([&] { tn::save_checkpoint(file, t); }, check) > 0);
}

TEST_CASE("a load that finds no memory changes nothing") {
  const scratch_folder folder;
  const auto file = folder / "c.safetensors";
  const data_set data = samples();
  model trained{tn::seed{1}};
  trainer saved{trained, {}, {}, options()};
  saved.fit(data);
  tn::save_checkpoint(file, saved);

  model m{tn::seed{2}};
  const model fresh = m;
  const std::string before = bits_of(m);
  CHECK(fail_each_allocation(
            [&] {
              m = fresh;
              tn::load_weights(file, m);
            },
            [&] { REQUIRE(bits_of(m) == before); }) > 0);

  // The trainer is another at each attempt, because a load that succeeds changes it.
  bool kept = true;
  CHECK(fail_each_allocation(
            [&] {
              model mine = fresh;
              trainer t{mine, {}, {}, options()};
              const std::string state = [&] {
                const pause_of_failures pause;
                return bits_of(t);
              }();
              try {
                tn::load_checkpoint(file, t);
              } catch (...) {
                const pause_of_failures pause;
                kept = kept && bits_of(t) == state;
                throw;
              }
            },
            [&] { REQUIRE(kept); }) > 0);
}
