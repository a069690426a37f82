// SPDX-License-Identifier: MIT
// Counts every allocation of this program: inference and training steps allocate no memory.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include <typenet/typenet.hpp>

namespace tn = typenet;

namespace {
std::atomic<long> allocations{0};

void* counted(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
  ++allocations;
  void* const p = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (p == nullptr) throw std::bad_alloc{};
  return p;
}
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) { return counted(size); }
[[gnu::noinline]] void* operator new[](std::size_t size) { return counted(size); }
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t a) { return counted(size, static_cast<std::size_t>(a)); }
[[gnu::noinline]] void* operator new[](std::size_t size, std::align_val_t a) { return counted(size, static_cast<std::size_t>(a)); }
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace {

using net = tn::network<tn::input<1, 12, 12>, tn::conv2d<6, 3, tn::padding<1>>, tn::batch_norm<>, tn::relu,
                        tn::residual<tn::conv2d<6, 1>, tn::group_norm<2>>, tn::concat<tn::max_pool2d<2>, tn::avg_pool2d<2>>, tn::gelu,
                        tn::flatten, tn::dropout<0.1>, tn::linear<20>, tn::tanh, tn::gaussian_rbf<10>>;
using data_set = tn::tensor_dataset<tn::shape{1, 12, 12}, 10>;

}  // namespace

TEST_CASE("the counter counts") {
  const long before = allocations;
  ::operator delete(::operator new(sizeof(int)));
  CHECK(allocations > before);
}

TEST_CASE_TEMPLATE("inference allocates nothing", Backend, tn::cpu, tn::cpu_single) {
  tn::model<net, Backend> model{tn::seed{1}};
  std::vector<float> images(100 * 144, 0.5f), answers(100 * 10);
  const long before = allocations;
  model.predict(std::span<const float>{images}.first(144));
  model.set_threads(1);
  model.predict(images, answers, 100);
  CHECK(allocations == before);
  // More threads allocate their memory in the first call.
  model.set_threads(2);
  model.predict(images, answers, 100);
  const long then = allocations;
  for (int i = 0; i < 10; ++i) model.predict(images, answers, 100);
  CHECK(allocations == then);
}

TEST_CASE_TEMPLATE("a training step allocates nothing", Backend, tn::cpu, tn::cpu_single) {
  tn::model<net, Backend> model{tn::seed{1}};
  const std::vector<float> images(32 * 144, 0.5f);
  const std::vector<int> labels(32, 3);
  for (const int threads : {1, 2}) {
    tn::trainer trainer{model, tn::mse{}, tn::adam{}, tn::fit_options{.batch_size = 32, .threads = threads}};
    // The first step starts OpenMP's threads.
    trainer.step(std::span<const float>{images}, std::span<const int>{labels});
    const long before = allocations;
    for (int i = 0; i < 10; ++i) trainer.step(std::span<const float>{images}, std::span<const int>{labels});
    CHECK(allocations == before);
  }
}

TEST_CASE("the steps of an epoch allocate nothing, reading included") {
  const data_set data{std::vector<float>(320 * 144, 0.5f), std::vector<int>(320, 1)};
  tn::model<net> model{tn::seed{1}};
  long at_second_step = 0, at_last_step = 0;
  int step = 0;
  tn::fit(model, data, tn::mse{}, tn::adam{}, {.batch_size = 32, .threads = 1, .on_step = [&](const tn::step_report&) {
                                                 if (++step == 2) at_second_step = allocations;
                                                 at_last_step = allocations;
                                                 return tn::control::proceed;
                                               }});
  CHECK(step == 10);
  CHECK(at_last_step == at_second_step);
}
