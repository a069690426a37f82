// SPDX-License-Identifier: MIT
// Deep networks compile quickly. The compile time of this file is the measure.
#include <doctest/doctest.h>

#include <typenet/declarative.hpp>

namespace tn = typenet;

namespace {

template <class... Layers>
struct list {
  template <class... First>
  using network_after = tn::network<First..., Layers...>;
  using residual = tn::residual<Layers...>;
};
template <class A, class B>
struct joined;
template <class... A, class... B>
struct joined<list<A...>, list<B...>> {
  using type = list<A..., B...>;
};
template <class List, int Times>
struct repeated {
  using type = typename joined<List, typename repeated<List, Times - 1>::type>::type;
};
template <class List>
struct repeated<List, 1> {
  using type = List;
};

// A network of 64 layers, 32 of them convolutions.
using chain = typename repeated<list<tn::conv2d<8, 3, tn::padding<1>>, tn::relu>, 32>::type::network_after<tn::input<8, 6, 6>>;
static_assert(chain::layer_count == 64);
static_assert(chain::parameter_count == 32 * (8 * 8 * 9 + 8));
static_assert(chain::output_shape == tn::shape{8, 6, 6});
static_assert(chain::macs == tn::index{32} * 36 * 8 * 8 * 9);

// A network of 16 residual blocks with four layers each.
using blocks =
    typename repeated<list<tn::residual<tn::conv2d<8, 3, tn::padding<1>>, tn::batch_norm<>, tn::relu, tn::conv2d<8, 3, tn::padding<1>>>>,
                      16>::type::network_after<tn::input<8, 6, 6>>;
static_assert(blocks::layer_count == 16);
static_assert(blocks::parameter_count == 16 * (2 * (8 * 8 * 9 + 8) + 16));
static_assert(blocks::output_shape == tn::shape{8, 6, 6});

// A network of compositions nested sixteen levels deep.
template <int Depth>
struct nest {
  using type = tn::residual<typename nest<Depth - 1>::type, tn::linear<4>>;
};
template <>
struct nest<0> {
  using type = tn::relu;
};
using deep = tn::network<tn::input<4>, nest<16>::type>;
static_assert(deep::parameter_count == 16 * 20);

}  // namespace

TEST_CASE("64 layers") {
  CHECK(chain::memory<>.activations == 32 * 8 * 36);
  CHECK(chain::parameters.back().name.view() == "62.bias");
  CHECK(blocks::parameters.back().name.view() == "15.3.bias");
  CHECK(deep::parameters.back().name.view() == "0.1.bias");
  CHECK(deep::parameters.front().name.view() == "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.weight");
}
