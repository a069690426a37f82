// SPDX-License-Identifier: MIT
// Tests properties of CUDA devices only: the device name, limited memory, and recorded steps.
#include <doctest/doctest.h>

#include <string>

#include "../thrust/support.hpp"

namespace tn = typenet;
using namespace on_thrust;

TEST_CASE("a CUDA device is named with its compute capability") {
  CHECK(tn::gpu::device_name().find("compute capability") != std::string::npos);
}

TEST_CASE("more memory than there is is refused with how much there is, and work goes on") {
  std::string refusal;
  try {
    const tn::gpu::memory<float> too_much{tn::index{1} << 46};
  } catch (const tn::device_error& e) {
    refusal = e.what();
  }
  CAPTURE(refusal);
  CHECK(refusal.find("out of memory on ") == 0);
  CHECK(refusal.find("a smaller batch needs less") != std::string::npos);
  tn::model<smooth, tn::gpu> model{tn::seed{3}};
  CHECK(tn::fit(model, bars(40, 1), tn::cross_entropy{}, tn::adam{}, {}).epochs.size() == 1);
}

TEST_CASE("a step is recorded once where it is asked for, and holds a kernel of every layer") {
  const auto data = bars(96, 1);
  const auto nodes = [&]<tn::device_launch Launch>(std::integral_constant<tn::device_launch, Launch>) {
    tn::model<smooth, tn::thrust_backend<float, Launch>> model{tn::seed{3}};
    tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{}, tn::fit_options{.epochs = 2}};
    trainer.fit(data);
    return trainer.recording().nodes();
  };
  // Convolution, tanh and pooling are one chain. Flatten needs no kernel.
  CHECK(nodes(std::integral_constant<tn::device_launch, tn::device_launch::graph>{}) == 11);
  CHECK(nodes(std::integral_constant<tn::device_launch, tn::device_launch::stream>{}) == 0);
  CHECK(nodes(std::integral_constant<tn::device_launch, tn::device_launch::persistent>{}) == 0);
}
