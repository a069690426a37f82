// SPDX-License-Identifier: MIT
// Measures the convolutions of LeNet-5 with oneDNN's primitives, in the layouts that oneDNN prefers. Reordering is not timed.
#include <omp.h>

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

#include "../lenet5.hpp"
#include "../measure.hpp"

namespace benchmarks {
namespace {

struct convolution {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::convolution_forward forward;
  dnnl::convolution_backward_data backward_input;
  dnnl::convolution_backward_weights backward_parameters;
  std::unordered_map<int, dnnl::memory> forward_memory, input_memory, parameter_memory;

  convolution(int batch, int maps, int size, int outputs, int window) {
    using dnnl::memory;
    const int result = size - window + 1;
    const auto any = [](memory::dims dims) { return memory::desc{std::move(dims), memory::data_type::f32, memory::format_tag::any}; };
    const memory::desc source = any({batch, maps, size, size}), weights = any({outputs, maps, window, window}),
                       target = any({batch, outputs, result, result});
    const memory::desc bias{{outputs}, memory::data_type::f32, memory::format_tag::x};
    const memory::dims stride{1, 1}, border{0, 0};
    const auto direct = dnnl::algorithm::convolution_direct;

    const dnnl::convolution_forward::primitive_desc ahead{
        {dnnl::prop_kind::forward_training, direct, source, weights, bias, target, stride, border, border}, engine};
    const dnnl::convolution_backward_data::primitive_desc back{{direct, source, weights, target, stride, border, border}, engine, ahead};
    const dnnl::convolution_backward_weights::primitive_desc sums{
        {direct, source, weights, bias, target, stride, border, border}, engine, ahead};
    forward = dnnl::convolution_forward{ahead};
    backward_input = dnnl::convolution_backward_data{back};
    backward_parameters = dnnl::convolution_backward_weights{sums};
    forward_memory = {{DNNL_ARG_SRC, filled(ahead.src_desc())},
                      {DNNL_ARG_WEIGHTS, filled(ahead.weights_desc())},
                      {DNNL_ARG_BIAS, filled(ahead.bias_desc())},
                      {DNNL_ARG_DST, filled(ahead.dst_desc())}};
    input_memory = {{DNNL_ARG_DIFF_DST, filled(back.diff_dst_desc())},
                    {DNNL_ARG_WEIGHTS, filled(back.weights_desc())},
                    {DNNL_ARG_DIFF_SRC, filled(back.diff_src_desc())}};
    parameter_memory = {{DNNL_ARG_SRC, filled(sums.src_desc())},
                        {DNNL_ARG_DIFF_DST, filled(sums.diff_dst_desc())},
                        {DNNL_ARG_DIFF_WEIGHTS, filled(sums.diff_weights_desc())},
                        {DNNL_ARG_DIFF_BIAS, filled(sums.diff_bias_desc())}};
  }

  dnnl::memory filled(const dnnl::memory::desc& of) {
    dnnl::memory m{of, engine};
    const std::vector<float> numbers = random_numbers(of.get_size() / sizeof(float), 1);
    std::copy(numbers.begin(), numbers.end(), static_cast<float*>(m.get_data_handle()));
    return m;
  }
};

void measure_convolution(const std::string& name, int maps, int size, int outputs, const effort& how) {
  constexpr int batch = 32;
  const auto shared = std::make_shared<std::unique_ptr<convolution>>();
  const auto add = [&](const std::string& pass, auto run) {
    measure({.name = "oneDNN: " + name + ", " + pass}, how, [=](benchmark::State& state) {
      omp_set_num_threads(1);
      if (*shared == nullptr) *shared = std::make_unique<convolution>(batch, maps, size, outputs, 5);
      for ([[maybe_unused]] const auto _ : state) {
        run(**shared);
        (*shared)->stream.wait();
      }
    });
  };
  add("forward", [](convolution& c) { c.forward.execute(c.stream, c.forward_memory); });
  add("gradient of input", [](convolution& c) { c.backward_input.execute(c.stream, c.input_memory); });
  add("gradient of parameters", [](convolution& c) { c.backward_parameters.execute(c.stream, c.parameter_memory); });
}

void measure_onednn(const effort& how) {
  measure_convolution("conv2d<6, 5> of 1x32x32", 1, 32, 6, how);
  measure_convolution("conv2d<16, 5> of 6x14x14", 6, 14, 16, how);
}

const registration here{"oneDNN", measure_onednn};

}  // namespace
}  // namespace benchmarks
