// SPDX-License-Identifier: MIT
// Tests the SIMT kernels on an emulated GPU. The results agree with the other backends in every order of threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <typenet/typenet.hpp>

#include "emulated_machine.hpp"
#include "network_runner.hpp"

namespace tn = typenet;
using testing::emulated_launch;
using testing::launch_with;
using testing::thread_order;

namespace {

constexpr thread_order orders[] = {thread_order::forwards, thread_order::backwards, thread_order::in_turn, thread_order::shuffled};

using machine = testing::emulated_machine<2>;
using backend = testing::emulated_backend<double>;

/// Sets the launch of kernels during its lifetime.
class launching {
 public:
  explicit launching(emulated_launch how) : before_{launch_with} { launch_with = how; }
  launching(const launching&) = delete;
  launching& operator=(const launching&) = delete;
  ~launching() { launch_with = before_; }

 private:
  emulated_launch before_;
};

using everything =
    tn::network<tn::input<2, 12, 12>, tn::conv2d<6, 3, tn::padding<1>>, tn::batch_norm<>, tn::relu,
                tn::residual<tn::conv2d<6, 3, tn::padding<1>>, tn::group_norm<2>, tn::gelu>, tn::max_pool2d<2>,
                tn::concat<tn::conv2d<4, 1>, tn::sequential<tn::avg_pool2d<3, tn::stride<1>, tn::padding<1>>, tn::scaled_tanh>>,
                tn::flatten, tn::dropout<0.2>, tn::linear<30>, tn::leaky_relu<>, tn::linear<12>, tn::sigmoid, tn::gaussian_rbf<10>>;

std::vector<double> numbers(std::size_t count, std::uint32_t tag) {
  tn::random_sequence random{tn::counter_rng{tn::seed{5}, tn::random_stream::user}, 0, tag};
  std::vector<double> values(count);
  for (double& v : values) v = static_cast<double>(random.uniform(-1, 1));
  return values;
}

/// Returns every number that a forward and a backward pass write, then the output of an evaluation pass.
template <class Network, class Backend>
std::vector<std::vector<double>> outcome(int batch) {
  testing::network_runner<Network, Backend> run{batch};
  for (std::size_t p = 0; p < Network::parameters.size(); ++p) {
    auto values = numbers(static_cast<std::size_t>(Network::parameters[p].size()), static_cast<std::uint32_t>(p + 1));
    for (double& v : values) v *= 0.4;
    run.set_parameter(p, values);
  }
  const auto input = numbers(static_cast<std::size_t>(batch * Network::input_shape.size()), 100);
  const auto gradient = numbers(static_cast<std::size_t>(batch * Network::output_shape.size()), 101);
  std::vector<std::vector<double>> all{run.forward(input, batch), run.backward(gradient)};
  for (std::size_t p = 0; p < Network::parameters.size(); ++p) all.push_back(run.parameter_gradient(p));
  for (std::size_t b = 0; b < Network::buffers.size(); ++b) all.push_back(run.buffer(b));
  all.push_back(run.forward(input, batch, false));
  return all;
}

/// Returns the largest difference divided by the largest number, or by `least` if `least` is larger. Returns infinity if a number is not
/// finite.
double distance(const std::vector<double>& a, const std::vector<double>& b, double least = 0) {
  REQUIRE(a.size() == b.size());
  double most = least, apart = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return std::numeric_limits<double>::infinity();
    most = std::max({most, std::abs(a[i]), std::abs(b[i])});
    apart = std::max(apart, std::abs(a[i] - b[i]));
  }
  return apart == 0 ? 0 : apart / most;
}

}  // namespace

TEST_CASE("an emulated warp exchanges") {
  for (const thread_order order : orders) {
    const launching how{{2, order}};
    std::vector<int> sums(2 * 2 * 32), swapped(2 * 2 * 32);
    machine::launch([&] {
      const auto thread = static_cast<std::size_t>((machine::block() * 2 + machine::warp_of_block()) * 32 + machine::lane());
      int sum = static_cast<int>(thread);
      for (int half = 16; half > 0; half /= 2) sum += machine::shuffle_xor(sum, half);
      sums[thread] = sum;
      swapped[thread] = machine::shuffle_xor(static_cast<int>(thread), 1);
    });
    for (int thread = 0; thread < 2 * 2 * 32; ++thread) {
      const int first = thread / 32 * 32;
      CHECK(sums[static_cast<std::size_t>(thread)] == 32 * first + 31 * 32 / 2);
      CHECK(swapped[static_cast<std::size_t>(thread)] == (thread ^ 1));
    }
  }
}

TEST_CASE("the emulated machine shows what depends on the order of threads") {
  SUBCASE("one thread writes and others read") {
    const auto racy = [](thread_order order) {
      const launching how{{1, order}};
      int shared = 0;
      std::vector<int> seen(2 * 32);
      machine::launch([&] {
        if (machine::lane() == 0) shared = machine::warp_of_block() + 1;
        seen[static_cast<std::size_t>(machine::warp_of_block() * 32 + machine::lane())] = shared;
      });
      return seen;
    };
    CHECK(racy(thread_order::forwards) != racy(thread_order::backwards));
    CHECK(racy(thread_order::forwards) != racy(thread_order::in_turn));
    CHECK(racy(thread_order::forwards) != racy(thread_order::shuffled));
  }
  SUBCASE("but not where a barrier lies in between") {
    const auto orderly = [](thread_order order) {
      const launching how{{1, order}};
      int shared = 0;
      std::vector<int> seen(2 * 32);
      machine::launch([&] {
        if (machine::lane() == 0 && machine::warp_of_block() == 0) shared = 1;
        machine::sync_block();
        seen[static_cast<std::size_t>(machine::warp_of_block() * 32 + machine::lane())] = shared;
      });
      return seen;
    };
    for (const thread_order order : orders) CHECK(orderly(order) == std::vector<int>(2 * 32, 1));
  }
}

namespace {

/// Machines in which one barrier does nothing.
struct without_sync_block : machine {
  static void sync_block() {}
};
struct without_sync_grid : machine {
  static void sync_grid() {}
};

/// Returns two sums for each item: of item … item + length - 1, and of the squares of 0 … length - 1.
template <class Machine>
std::vector<double> sums_in_blocks(emulated_launch launch, tn::index items, tn::index length) {
  using pack = tn::simt_pack<double, Machine>;
  const launching how{launch};
  std::vector<double> sums(static_cast<std::size_t>(2 * items), std::numeric_limits<double>::quiet_NaN());
  Machine::launch([&] {
    tn::detail::simt_execution<double, Machine> all{tn::batch_state{32, true}};
    all.template reduce<2>(
        items, length,
        [](tn::index item, tn::index first, tn::index last, pack(&sum)[2]) {
          for (tn::index i = first; i < last; ++i)
            if (i % 32 == Machine::lane()) {
              sum[0] = sum[0] + pack{static_cast<double>(i + item)};
              sum[1] = sum[1] + pack{static_cast<double>(i * i)};
            }
        },
        [&](tn::index item, const double(&total)[2]) {
          sums[static_cast<std::size_t>(2 * item)] = total[0];
          sums[static_cast<std::size_t>(2 * item + 1)] = total[1];
        });
  });
  return sums;
}

std::vector<double> right_sums(tn::index items, tn::index length) {
  std::vector<double> sums;
  for (tn::index item = 0; item < items; ++item) {
    double sum = 0, squares = 0;
    for (tn::index i = 0; i < length; ++i) {
      sum += static_cast<double>(i + item);
      squares += static_cast<double>(i * i);
    }
    sums.insert(sums.end(), {sum, squares});
  }
  return sums;
}

template <class Machine>
bool reduces_in_every_order() {
  for (const thread_order order : orders)
    if (sums_in_blocks<Machine>({2, order}, 5, 77) != right_sums(5, 77)) return false;
  return true;
}

/// True where a kernel reads the results that other warps wrote in the kernel before it.
template <class Machine>
bool passes_on_in_every_order() {
  for (const thread_order order : orders) {
    const launching how{{2, order}};
    std::vector<int> from(9, -1), to(9, -1);
    Machine::launch([&] {
      tn::detail::simt_execution<double, Machine> all{tn::batch_state{32, true}};
      all.for_each(9, [&](tn::index i) { from[static_cast<std::size_t>(i)] = static_cast<int>(i); });
      all.for_each(9, [&](tn::index i) { to[static_cast<std::size_t>(i)] = from[static_cast<std::size_t>(8 - i)]; });
    });
    if (to != std::vector<int>{8, 7, 6, 5, 4, 3, 2, 1, 0}) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a reduction in a block sums what its warps do, however long it is") {
  for (const thread_order order : orders)
    for (const int blocks : {1, 2, 3})
      for (const tn::index length : {0, 1, 2, 31, 100})
        for (const tn::index items : {1, 4}) CHECK(sums_in_blocks<machine>({blocks, order}, items, length) == right_sums(items, length));
  // Eight warps: the number of warps in a reduction block on CUDA.
  CHECK(sums_in_blocks<testing::emulated_machine<8>>({1, thread_order::backwards}, 3, 100) == right_sums(3, 100));
}

namespace {

/// A reduction with a distinct type for each Number.
template <int Number, class Execution>
void reduce_one_of_many(Execution& all, double& to) {
  using pack = typename Execution::pack;
  constexpr int sums = 20 + Number % 5;
  all.template reduce<sums>(
      1, 64,
      [](tn::index, tn::index first, tn::index last, pack(&sum)[sums]) {
        for (tn::index i = first; i < last; ++i) sum[sums - 1] = sum[sums - 1] + pack{1};
      },
      [&](tn::index, const double(&total)[sums]) { to = total[sums - 1] + Number; });
}

}  // namespace

TEST_CASE("a block's memory is enough for a pass of many reductions") {
  using eight = testing::emulated_machine<8>;
  constexpr int count = 40;
  for (const thread_order order : orders) {
    const launching how{{1, order}};
    std::vector<double> totals(count);
    eight::launch([&] {
      tn::detail::simt_execution<double, eight> all{tn::batch_state{32, true}};
      [&]<int... Number>(std::integer_sequence<int, Number...>) {
        (reduce_one_of_many<Number>(all, totals[Number]), ...);
      }(std::make_integer_sequence<int, count>{});
    });
    for (int i = 0; i < count; ++i) CHECK(totals[static_cast<std::size_t>(i)] == 64 * 32 + i);
  }
}

TEST_CASE("each barrier of a machine is needed, and the tests notice a missing one") {
  CHECK(reduces_in_every_order<machine>());
  CHECK_FALSE(reduces_in_every_order<without_sync_block>());
  CHECK(passes_on_in_every_order<machine>());
  CHECK_FALSE(passes_on_in_every_order<without_sync_grid>());
}

TEST_CASE("what a device could not run is reported") {
  CHECK_THROWS_WITH_AS(machine::launch([] {
                         if (machine::lane() != 3) static_cast<void>(machine::shuffle_xor(1, 1));
                       }),
                       "emulated machine: threads wait for others that never come: 124 at an exchange, 0 at sync_block, 0 at sync_grid, "
                       "of 128",
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(machine::launch([] { static_cast<void>(machine::shuffle_xor(1, machine::lane() < 16 ? 1 : 2)); }),
                       doctest::Contains("different exchanges"), std::runtime_error);
  CHECK_THROWS_WITH_AS(machine::launch([] {
                         if (machine::block() == 0) machine::sync_grid();
                       }),
                       doctest::Contains("64 at sync_grid"), std::runtime_error);
  CHECK_THROWS_WITH_AS(machine::launch([] { static_cast<void>(machine::shared<double, 10000, int>()); }),
                       "emulated machine: a block has 49152 bytes of memory, and is asked for 80000", std::runtime_error);
  // The machine runs kernels again after an error.
  CHECK(reduces_in_every_order<machine>());
}

TEST_CASE("a network computes on a warp's lanes what it does in SIMD registers") {
  for (const int batch : {1, 32, 37, 64}) {
    CAPTURE(batch);
    const auto expected = outcome<everything, tn::eigen_backend<double>>(batch);
    const auto actual = outcome<everything, backend>(batch);
    // The exact gradient of a bias before batch norm is 0. The tolerance is therefore relative to the gradient of the weights.
    constexpr std::size_t bias_gradient = 3;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(i);
      double least = 0;
      if (i == bias_gradient)
        for (const double w : expected[bias_gradient - 1]) least = std::max(least, std::abs(w));
      CHECK(distance(actual[i], expected[i], least) < 1e-12);
    }
  }
}

namespace {

/// Compares with the CPU backend. Then compares the slope along one direction of all inputs and parameters with a central difference.
template <class Network>
void check_layers(int batch) {
  const auto expected = outcome<Network, tn::eigen_backend<double>>(batch);
  for (const thread_order order : orders) {
    const launching how{{3, order}};
    const auto actual = outcome<Network, backend>(batch);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(i);
      CHECK(distance(actual[i], expected[i]) < 1e-12);
    }
  }

  constexpr std::size_t tensors = Network::parameters.size();
  const auto sized = [](int samples, const tn::shape& s) { return static_cast<std::size_t>(samples * s.size()); };
  const auto dot = [](const auto& a, const auto& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  const auto weights = numbers(sized(batch, Network::output_shape), 201);
  const auto input_direction = numbers(sized(batch, Network::input_shape), 202);
  testing::network_runner<Network, backend> run{batch};
  const auto loss_at = [&](double step) {
    const auto moved = [&](std::vector<double> at, const std::vector<double>& direction) {
      for (std::size_t i = 0; i < at.size(); ++i) at[i] += step * direction[i];
      return at;
    };
    for (std::size_t p = 0; p < tensors; ++p) {
      const auto count = static_cast<std::size_t>(Network::parameters[p].size());
      const auto tag = static_cast<std::uint32_t>(p);
      run.set_parameter(p, moved(numbers(count, 210 + tag), numbers(count, 220 + tag)));
    }
    return dot(run.forward(moved(numbers(input_direction.size(), 203), input_direction), batch), weights);
  };
  const double difference = (loss_at(1e-5) - loss_at(-1e-5)) / 2e-5;
  loss_at(0);
  double slope = dot(run.backward(weights), input_direction);
  for (std::size_t p = 0; p < tensors; ++p) {
    const auto gradient = run.parameter_gradient(p);
    slope += dot(gradient, numbers(gradient.size(), 220 + static_cast<std::uint32_t>(p)));
  }
  CHECK(std::abs(slope) > 1e-3);
  CHECK(slope == doctest::Approx(difference).epsilon(1e-6));
}

}  // namespace

// Networks larger than a register tile in every direction: interior tiles, edges and remainders all occur.
TEST_CASE("a wide padded convolution on a warp's lanes") {
  check_layers<tn::network<tn::input<3, 6, 45>, tn::conv2d<10, 3, tn::padding<1>>>>(5);
}
TEST_CASE("a wide strided convolution on a warp's lanes") {
  check_layers<tn::network<tn::input<2, 7, 43>, tn::conv2d<7, 5, tn::padding<2>, tn::stride<2>>>>(33);
}
TEST_CASE("many features on a warp's lanes") { check_layers<tn::network<tn::input<75>, tn::linear<70>, tn::gelu>>(37); }
TEST_CASE("everything on a warp's lanes has the right slope") {
  check_layers<tn::network<tn::input<2, 6, 6>, tn::conv2d<6, 3, tn::bias<false>>, tn::batch_norm<>, tn::tanh,
                           tn::residual<tn::group_norm<3>, tn::gelu>, tn::avg_pool2d<2>, tn::flatten, tn::dropout<0.3>, tn::linear<9>,
                           tn::sigmoid, tn::gaussian_rbf<10>, tn::softmax>>(37);
}

TEST_CASE("neither the order of threads nor the number of blocks changes a bit") {
  for (const int batch : {1, 37}) {
    CAPTURE(batch);
    const auto one = [&] {
      const launching how{{1, thread_order::forwards}};
      return outcome<everything, backend>(batch);
    }();
    for (const int blocks : {1, 2, 3})
      for (const thread_order order : orders) {
        CAPTURE(blocks);
        CAPTURE(static_cast<int>(order));
        const launching how{{blocks, order}};
        CHECK(outcome<everything, backend>(batch) == one);
      }
  }
}

TEST_CASE("blocks of eight warps, as CUDA's are, compute the same but for rounding") {
  using net = tn::network<tn::input<2, 6, 6>, tn::conv2d<3, 3, tn::bias<false>>, tn::batch_norm<>, tn::flatten, tn::linear<4>>;
  using eight = testing::emulated_backend<double, 8>;
  const auto expected = outcome<net, tn::eigen_backend<double>>(37);
  const auto one = outcome<net, eight>(37);
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(distance(one[i], expected[i]) < 1e-12);
  for (const thread_order order : orders) {
    const launching how{{1, order}};
    CHECK(outcome<net, eight>(37) == one);
  }
}

TEST_CASE("dropout on a warp's lanes drops what it drops elsewhere") {
  using net = tn::network<tn::input<50>, tn::dropout<0.5>>;
  const std::vector<double> ones(50 * 40, 1.0);
  testing::network_runner<net, tn::eigen_backend<double>> registers{40};
  testing::network_runner<net, backend> warps{40};
  registers.set_first_sample(100);
  warps.set_first_sample(100);
  const auto masks = registers.forward(ones, 40);
  CHECK(warps.forward(ones, 40) == masks);
  CHECK(warps.backward(ones) == masks);
  CHECK(warps.forward(ones, 40, false) == ones);
}

namespace {

using classifier = tn::network<tn::input<1, 8, 8>, tn::conv2d<4, 3, tn::bias<false>>, tn::batch_norm<>, tn::relu, tn::max_pool2d<2>,
                               tn::flatten, tn::dropout<0.2>, tn::linear<20>, tn::relu, tn::linear<4>>;
using data_set = tn::tensor_dataset<tn::shape{1, 8, 8}, 4>;

/// Returns images of bars at one of four places, with noise.
data_set bars(int count) {
  std::vector<float> images;
  std::vector<int> labels;
  tn::random_sequence random{tn::counter_rng{tn::seed{11}, tn::random_stream::user}, 0, 1};
  for (int i = 0; i < count; ++i) {
    labels.push_back(static_cast<int>(random.below(4)));
    for (int y = 0; y < 8; ++y)
      for (int x = 0; x < 8; ++x) images.push_back((y / 2 == labels.back() ? 1.0f : 0.0f) + random.uniform(-1.0f, 1.0f));
  }
  return data_set{std::move(images), std::move(labels)};
}

struct trained {
  std::vector<double> losses, accuracies, answers;
  std::vector<std::vector<double>> tensors;
  bool operator==(const trained&) const = default;
};

/// Trains with batches that leave lanes unused. The last batch of an epoch is smaller.
template <class Backend>
trained train() {
  const data_set data = bars(107);
  tn::model<classifier, Backend> model{tn::seed{3}};
  const tn::history past = tn::fit(model, data, tn::cross_entropy{}, tn::adam{.learning_rate = 3e-3, .weight_decay = 1e-3},
                                   {.epochs = 3, .batch_size = 40, .threads = 1, .validation_split = 0.1});
  trained t;
  for (const tn::epoch_report& epoch : past.epochs) {
    t.losses.insert(t.losses.end(), {epoch.loss, epoch.validation->loss});
    t.accuracies.insert(t.accuracies.end(), {epoch.accuracy, epoch.validation->accuracy});
  }
  const auto keep = [&](const auto& numbers) { t.tensors.emplace_back(numbers.begin(), numbers.end()); };
  for (const auto& info : classifier::parameters) keep(model.parameter(info.name.view()));
  for (const auto& info : classifier::buffers) keep(model.buffer(info.name.view()));
  const auto samples = numbers(3 * 64, 7);
  t.answers.resize(3 * 4);
  model.predict(samples, t.answers, 3);
  return t;
}

}  // namespace

TEST_CASE("training on the emulated machine is training") {
  const trained expected = train<tn::eigen_backend<double>>();
  const trained actual = train<backend>();
  REQUIRE(actual.losses.size() == 6);
  CHECK(actual.losses.front() > actual.losses[4]);
  CHECK(distance(actual.losses, expected.losses) < 1e-9);
  CHECK(actual.accuracies == expected.accuracies);
  CHECK(distance(actual.answers, expected.answers) < 1e-9);
  REQUIRE(actual.tensors.size() == expected.tensors.size());
  for (std::size_t i = 0; i < actual.tensors.size(); ++i) {
    CAPTURE(i);
    CHECK(distance(actual.tensors[i], expected.tensors[i]) < 1e-9);
  }
  for (const emulated_launch how : {emulated_launch{1, thread_order::backwards}, {3, thread_order::shuffled}}) {
    const launching so{how};
    CHECK(train<backend>() == actual);
  }
}
