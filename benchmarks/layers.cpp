// SPDX-License-Identifier: MIT
// Measures every layer separately, with the shapes of LeNet-5.
#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "lenet5.hpp"
#include "measure.hpp"

namespace benchmarks {
namespace {

namespace tn = typenet;
constexpr int batch = 32;

/// One layer with all the memory that its kernels use. It runs through the layer interface, as in a backend.
template <class Input, tn::layer Layer>
class bench {
  using network = tn::network<Input, Layer>;
  using array = tn::cpu::array;
  static constexpr tn::shape in = network::input_shape;
  static constexpr tn::shape out = network::output_shape;
  static constexpr int lanes = tn::cpu::lanes;
  static constexpr tn::index padded = network::padded_batch(batch, lanes);

 public:
  static constexpr bool has_parameters = network::parameter_count > 0;
  static constexpr double flop = 2.0 * batch * static_cast<double>(Layer::macs(in));

  bench() : samples_(padded) {
    std::iota(samples_.begin(), samples_.end(), 0u);
    fill(input_, 0);
    fill(output_gradient_, 1);
    data_.input = {input_.data(), tn::index{in.size()} * lanes};
    data_.output = {output_.data(), tn::index{out.size()} * lanes};
    data_.output_gradient = {output_gradient_.data(), tn::index{out.size()} * lanes};
    data_.input_gradient = {input_gradient_.data(), tn::index{in.size()} * lanes};
    data_.saved = {saved_.data(), Layer::saved_size(in) * lanes};
    for (std::size_t p = 0; p < network::parameters.size(); ++p) {
      data_.parameters[p] = model_.parameter_array().data() + network::parameters[p].offset;
      data_.gradients[p] = gradients_.data() + network::parameters[p].offset;
    }
    for (std::size_t b = 0; b < network::buffers.size(); ++b) data_.buffers[b] = model_.buffer_array().data() + network::buffers[b].offset;
    data_.scratch = scratch_.data();
    // Runs the passes once in order, because each pass reads the results of the previous passes.
    with_execution([this](auto& run) {
      this->forward(run);
      this->backward_parameters(run);
    });
  }

  template <class Run>
  void forward(Run& run) {
    Layer::template forward<in>(run, data_);
  }
  template <class Run>
  void backward_input(Run& run) {
    Layer::template backward_input<in, false>(run, data_);
  }
  template <class Run>
  void backward_parameters([[maybe_unused]] Run& run) {
    if constexpr (has_parameters) Layer::template backward_parameters<in>(run, data_);
  }
  template <class F>
  void with_execution(const F& f) {
    model_.stream().run(1, tn::batch_state{batch, true, &keys_, samples_.data()}, f);
  }

 private:
  static void fill(array& a, std::uint32_t which) {
    const std::vector<float> numbers = random_numbers(static_cast<std::size_t>(a.size()), which);
    std::copy(numbers.begin(), numbers.end(), a.data());
  }

  tn::model<network> model_{tn::seed{1}};
  array input_{padded * in.size()}, output_{padded * out.size()}, output_gradient_{padded * out.size()},
      input_gradient_{padded * in.size()};
  array saved_{padded * Layer::saved_size(in)}, gradients_{network::parameter_arena}, scratch_{network::scratch_size(padded)};
  tn::batch_keys keys_{.seed = tn::seed{1}};
  std::vector<std::uint32_t> samples_;
  tn::layer_data<float, lanes> data_;
};

template <class Input, class Layer>
void measure_layer(const std::string& name, const effort& how) {
  using subject_type = bench<Input, Layer>;
  const auto shared = std::make_shared<std::unique_ptr<subject_type>>();
  const auto add = [&](const std::string& pass, auto kernel) {
    measure({.name = name + ", " + pass, .flop = subject_type::flop}, how, [shared, kernel](benchmark::State& state) {
      if (*shared == nullptr) *shared = std::make_unique<subject_type>();
      subject_type& layer = **shared;
      layer.with_execution([&](auto& run) {
        for ([[maybe_unused]] const auto _ : state) {
          kernel(layer, run);
          benchmark::ClobberMemory();
        }
      });
    });
  };
  add("forward", [](subject_type& layer, auto& run) { layer.forward(run); });
  add("gradient of input", [](subject_type& layer, auto& run) { layer.backward_input(run); });
  if constexpr (subject_type::has_parameters)
    add("gradient of parameters", [](subject_type& layer, auto& run) { layer.backward_parameters(run); });
}

}  // namespace

void measure_layers(const effort& how) {
  using c1 = tn::input<6, 28, 28>;
  using s4 = tn::input<16, 5, 5>;
  measure_layer<tn::input<1, 32, 32>, tn::conv2d<6, 5>>("conv2d<6, 5> of 1x32x32", how);
  measure_layer<tn::input<6, 14, 14>, tn::conv2d<16, 5>>("conv2d<16, 5> of 6x14x14", how);
  measure_layer<tn::input<400>, tn::linear<120>>("linear<120> of 400", how);
  measure_layer<tn::input<120>, tn::linear<84>>("linear<84> of 120", how);
  measure_layer<tn::input<84>, tn::gaussian_rbf<10>>("gaussian_rbf<10> of 84", how);
  measure_layer<c1, tn::batch_norm<>>("batch_norm<> of 6x28x28", how);
  measure_layer<c1, tn::group_norm<3>>("group_norm<3> of 6x28x28", how);
  measure_layer<c1, tn::max_pool2d<2>>("max_pool2d<2> of 6x28x28", how);
  measure_layer<c1, tn::avg_pool2d<2>>("avg_pool2d<2> of 6x28x28", how);
  measure_layer<s4, tn::global_avg_pool2d>("global_avg_pool2d of 16x5x5", how);
  measure_layer<tn::input<400>, tn::dropout<0.1>>("dropout<0.1> of 400", how);
  measure_layer<tn::input<10>, tn::softmax>("softmax of 10", how);
  measure_layer<c1, tn::relu>("relu of 6x28x28", how);
  measure_layer<c1, tn::leaky_relu<>>("leaky_relu<> of 6x28x28", how);
  measure_layer<c1, tn::gelu>("gelu of 6x28x28", how);
  measure_layer<c1, tn::tanh>("tanh of 6x28x28", how);
  measure_layer<c1, tn::scaled_tanh>("scaled_tanh of 6x28x28", how);
  measure_layer<c1, tn::sigmoid>("sigmoid of 6x28x28", how);
}

}  // namespace benchmarks
