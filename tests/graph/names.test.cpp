// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <iterator>
#include <string>
#include <vector>

#include "golden.hpp"
#include "golden_cases.hpp"
#include "networks.hpp"

namespace tn = typenet;

namespace {

std::vector<int> extents_of(const auto& spec) { return {spec.extents, spec.extents + spec.rank}; }

static_assert(tn::lenet5_c3 == networks::c3_table);
static_assert(golden_cases::c3_table == networks::c3_table, "the table as the paper prints it, and as it tells it column by column");

std::vector<int> extents_of_shape(tn::shape s) {
  std::vector<int> extents;
  for (int axis = 0; axis < s.rank; ++axis) extents.push_back(s[axis]);
  return extents;
}

void check_tensors(const auto& ours, const std::vector<golden::tensor>& theirs) {
  REQUIRE(ours.size() == theirs.size());
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    CHECK(ours[i].name.view() == theirs[i].name);
    CHECK(extents_of(ours[i].spec) == theirs[i].shape);
  }
}

template <class Network>
void check_names(const char* name) {
  CAPTURE(name);
  const golden::layer_case& wanted = golden::layer(name);
  CHECK(extents_of_shape(Network::input_shape) == wanted.input_shape);
  CHECK(extents_of_shape(Network::output_shape) == wanted.output_shape);
  check_tensors(Network::parameters, wanted.parameters);
  check_tensors(Network::buffers, wanted.buffers);
}

}  // namespace

TEST_CASE("the network of the README has the state_dict of its PyTorch twin") {
  using networks::lenet5;
  const golden::state_dict_case& wanted = golden::file().state_dict;
  CHECK(lenet5::parameter_count == wanted.parameter_count);
  std::size_t parameter = 0, buffer = 0;
  for (const golden::state_dict_entry& entry : wanted.entries) {
    CAPTURE(entry.name);
    if (entry.kind == "parameter") {
      REQUIRE(parameter < lenet5::parameters.size());
      CHECK(lenet5::parameters[parameter].name.view() == entry.name);
      CHECK(extents_of(lenet5::parameters[parameter++].spec) == entry.shape);
    } else {
      REQUIRE(buffer < lenet5::buffers.size());
      CHECK(lenet5::buffers[buffer].name.view() == entry.name);
      CHECK(lenet5::buffers[buffer].spec.integer == entry.name.ends_with("num_batches_tracked"));
      CHECK(extents_of(lenet5::buffers[buffer++].spec) == entry.shape);
    }
  }
  CHECK(parameter == lenet5::parameters.size());
  CHECK(buffer == lenet5::buffers.size());
}

TEST_CASE("shapes and names are PyTorch's for every kind of layer and composition") {
#define CHECK_NAMES(name, ...) check_names<tn::network<__VA_ARGS__>>(name);
  using namespace golden_cases;
  GOLDEN_CASES_CONV2D(CHECK_NAMES)
  GOLDEN_CASES_OTHER_LAYERS(CHECK_NAMES)
  GOLDEN_CASES_COMPOSITIONS(CHECK_NAMES)
#undef CHECK_NAMES
}

TEST_CASE("a word stands for the index it replaces, at any depth") {
  using net = networks::nested;
  const char* const wanted[] = {"stem.weight",     "stem.bias",     "1.0.weight",  "1.0.bias",     "1.1.weight",
                                "1.1.bias",        "2.0.weight",    "2.0.bias",    "2.1.0.weight", "2.1.0.bias",
                                "2.1.wide.weight", "2.1.wide.bias", "head.weight", "head.bias"};
  REQUIRE(net::parameters.size() == std::size(wanted));
  for (std::size_t i = 0; i < std::size(wanted); ++i) CHECK(net::parameters[i].name.view() == wanted[i]);
  // The outermost of nested names counts. Indices count named layers too.
  using twice = tn::network<tn::input<4>, tn::named<"a", tn::named<"b", tn::linear<4>>>, tn::linear<4>>;
  CHECK(twice::parameters[0].name.view() == "a.weight");
  CHECK(twice::parameters[2].name.view() == "1.weight");
}

TEST_CASE("the same word may stand in different places") {
  using net = tn::network<tn::input<4>, tn::sequential<tn::named<"a", tn::linear<4>>>, tn::sequential<tn::named<"a", tn::linear<4>>>,
                          tn::named<"a", tn::relu>>;
  CHECK(net::parameters[0].name.view() == "0.a.weight");
  CHECK(net::parameters[2].name.view() == "1.a.weight");
}

TEST_CASE("indices of two digits") {
  using net = tn::network<tn::input<4>, tn::relu, tn::relu, tn::relu, tn::relu, tn::relu, tn::relu, tn::relu, tn::relu, tn::relu, tn::relu,
                          tn::linear<2>>;
  CHECK(net::parameters[0].name.view() == "10.weight");
}
