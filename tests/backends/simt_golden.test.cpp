// SPDX-License-Identifier: MIT
// Compares every layer with PyTorch on an emulated GPU, in every order of threads.
#include <doctest/doctest.h>

#include "check_golden.hpp"
#include "emulated_machine.hpp"
#include "golden_cases.hpp"

namespace tn = typenet;
using namespace golden_cases;
using testing::launch_with;
using testing::thread_order;

namespace {

template <class Network>
void check_on_warps(const char* name) {
  using backend = testing::emulated_backend<double>;
  const golden::layer_case& expected = golden::layer(name);
  CAPTURE(name);
  const testing::emulated_launch before = launch_with;
  for (const testing::emulated_launch how : {testing::emulated_launch{2, thread_order::forwards},
                                             {1, thread_order::backwards},
                                             {3, thread_order::in_turn},
                                             {2, thread_order::shuffled}}) {
    CAPTURE(how.blocks);
    CAPTURE(static_cast<int>(how.order));
    launch_with = how;
    check_on<Network, backend, true>(expected);
  }
  launch_with = before;
}

}  // namespace

#define ON_WARPS(name, ...) \
  TEST_CASE(name " on the lanes of a warp, as in PyTorch") { check_on_warps<tn::network<__VA_ARGS__>>(name); }

GOLDEN_CASES_CONV2D(ON_WARPS)
GOLDEN_CASES_OTHER_LAYERS(ON_WARPS)
GOLDEN_CASES_COMPOSITIONS(ON_WARPS)
