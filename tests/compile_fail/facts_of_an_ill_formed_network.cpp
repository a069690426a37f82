// SPDX-License-Identifier: MIT
// One mistake gives one error: the properties of the ill-formed network compare equal to everything, and training it compiles.
//
// expect: typenet::at<2>, typenet::conv2d<6, 5>, typenet::needs::an_image, typenet::got<4704> ?>
// expect[c++26]: typenet: layer 2, conv2d<6, 5> needs an input of channels x height x width .it cannot follow flatten or linear.. it got 4704
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include <typenet/declarative.hpp>
#include <typenet/typenet.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using net = tn::network<tn::input<1, 32, 32>, tn::conv2d<6, 5>, tn::flatten, tn::conv2d<6, 5>, tn::linear<10>>;
#else
using net = tn::network<tn::input<1, 32, 32>, tn::named<"x", tn::conv2d<6, 5>>, tn::max_pool2d<2>, tn::relu, tn::flatten, tn::linear<10>>;
#endif

// ---- shapes
static_assert(net::input_shape == tn::shape{1, 32, 32} && tn::shape{1, 32, 32} == net::input_shape);
static_assert(net::output_shape == tn::shape{10} && !(net::output_shape != tn::shape{10}));
static_assert(net::output_shape.size() == 10 && 10 == net::output_shape.size() && net::output_shape.rank == 1);
static_assert(net::shapes[1].channels() == 6 && net::shapes[1].height() == 14 && net::shapes[1].width() == 14);
static_assert(net::shapes[1][0] == 6 && net::shapes[1].area() == 196 && net::shapes.size() == 5 && net::shapes.back() == tn::shape{10});
static_assert(net::layer_count == 5);

// ---- counts
static_assert(net::parameter_count > 100 && net::parameter_count < 1'000'000 && 100 < net::parameter_count);
static_assert(net::parameter_count == 156 + 11'770 && net::parameter_count + 1 == 11'927 && net::parameter_count / 2 == 5'963);
static_assert(net::parameter_count >= 11'926L && 2 * net::parameter_count <= 23'852U);
static_assert(net::layer_parameter_counts[0] == 156 && net::layer_parameter_counts.size() == 5);
static_assert(net::buffer_count == 0 && net::macs > 100'000 && net::connections > 100'000 && net::layer_connections[0] > 100'000);
static_assert(net::parameter_bytes<float> < 50'000 && net::parameter_bytes<> == 11'926 * 4 && net::parameter_bytes<double> > 50'000);
static_assert(net::activation_bytes<>(32) > 1'000 && net::workspace_bytes<double>(32) > 1'000);
static_assert(net::padded_batch(17) == 32 && net::scratch_size(32) >= 0 && net::memory<>.activations > 1'000);
static_assert(net::parameter_arena >= 11'926 && net::buffer_arena == 0 && net::best_output == tn::best_score::highest);

// ---- parameters
static_assert(net::parameters.size() == 4 && net::parameters[0].name == "x.weight" && "x.weight" == net::parameters[0].name);
static_assert(net::parameters[0].name.view() == "x.weight" && net::parameters[0].name == std::string_view{"x.weight"});
static_assert(net::parameters[0].size() == 150 && net::parameters[0].spec.rank == 4 && net::parameters[0].spec.extents[2] == 5);
static_assert(net::parameters[0].spec.name == "weight" && net::parameters[0].spec.role == tn::parameter_role::weight);
static_assert(net::parameters[0].spec.fan_in == 25 && net::parameters[1].offset == 160 && net::parameters.back().name == "4.bias");
static_assert(net::buffers.size() == 0 && net::buffers.empty());

constexpr tn::index count_numbers() {
  tn::index numbers = 0;
  for (const auto& parameter : net::parameters) numbers += parameter.size();
  for (const auto& buffer : net::buffers) numbers += buffer.size();
  for (const tn::shape after : net::shapes) numbers += after.size() * 0;
  for (std::size_t i = 0; i < net::shapes.size(); ++i) numbers += net::shapes[i].rank * 0;
  for (int i = 0; i < net::layer_count; ++i) numbers += net::layer_connections[static_cast<std::size_t>(i)] * 0;
  return numbers;
}
static_assert(net::parameter_count == count_numbers());

// ---- the whole program
std::string text() {
  std::ostringstream stream;
  stream << net::output_shape << net::shapes[0] << net::parameter_count << net::parameters[0].name.view();
  return stream.str() + std::to_string(net::macs) + tn::summary<net>();
}
double train(const tn::tensor_dataset<net::input_shape, 10>& data) {
  tn::model<net> model{tn::seed{42}};
  const auto history = tn::fit(model, data, tn::mse{}, tn::adam{});
  return tn::evaluate(model, data, tn::mse{}).loss + static_cast<double>(history.epochs.size());
}
float answer(tn::model<net>& model, std::span<const float> sample) { return model.predict(sample)[0] + model.parameter("x.weight")[0]; }
