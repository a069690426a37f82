// SPDX-License-Identifier: MIT
// Tests properties of CUDA devices only: the device name, limited memory, recorded steps, streams, and kernels that fail.
#include <doctest/doctest.h>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "../thrust/support.hpp"

namespace tn = typenet;
using namespace on_thrust;

namespace {

/// Runs a test case of this program, one that is skipped otherwise, in a process of its own. Returns its exit status.
/// @param variables environment variables of the process, each "NAME=VALUE"
int status_of(const std::string& test_case, const std::vector<std::string>& variables) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string(), chosen = "--test-case=" + test_case;
  std::vector<char*> arguments, environment;
  for (const std::string& argument : {std::string{"test"}, chosen, std::string{"--no-skip"}}) arguments.push_back(strdup(argument.c_str()));
  arguments.push_back(nullptr);
  for (char** variable = environ; *variable != nullptr; ++variable) environment.push_back(strdup(*variable));
  for (const std::string& variable : variables) environment.push_back(strdup(variable.c_str()));
  environment.push_back(nullptr);
  pid_t process = 0;
  int status = -1;
  const bool started = posix_spawn(&process, program.c_str(), nullptr, nullptr, arguments.data(), environment.data()) == 0;
  for (auto* const all : {&arguments, &environment})
    for (char* const text : *all) std::free(text);
  if (!started || waitpid(process, &status, 0) != process) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Writes to an address that is not the device's.
struct stray_write {
  TYPENET_HD void operator()(tn::index i) const { reinterpret_cast<int*>(8)[i] = 1; }
};

/// A data set whose view asks for more memory than any device has. Only the host reads it.
struct larger_than_memory : bars_set {
  explicit larger_than_memory(int count) : bars_set{bars(count, 1)} {}
  template <class Upload>
  auto view(const Upload& upload) const {
    static const float start = 0;
    if constexpr (!std::is_same_v<Upload, tn::host_upload>) static_cast<void>(upload(std::span<const float>{&start, std::size_t{1} << 46}));
    return bars_set::view(upload);
  }
};
static_assert(tn::resident_dataset<larger_than_memory>);

/// Trains an epoch with second derivatives, moves into the model, and trains another. Returns the model's numbers.
template <tn::device_launch Launch>
std::vector<float> moved_into() {
  using model_type = tn::model<smooth, tn::thrust_backend<float, Launch>>;
  const auto data = bars(96, 1);
  model_type model{tn::seed{3}};
  const tn::fit_options options{
      .epochs = 4, .on_epoch = [](const tn::epoch_report& e) { return e.epoch == 2 ? tn::control::stop : tn::control::proceed; }};
  tn::trainer trainer{model, tn::mse{}, tn::stochastic_diagonal_lm{}, options};
  trainer.fit(data);
  model = model_type{tn::seed{9}};
  trainer.fit(data);
  return learned(model);
}

/// Trains four steps. Returns the model's numbers and the nodes of the recording.
template <tn::device_launch Launch>
std::pair<std::vector<float>, std::size_t> stepped() {
  tn::model<smooth, tn::thrust_backend<float, Launch>> model{tn::seed{3}};
  tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{}, tn::fit_options{}};
  const auto images = rows_of<float>(bars(32, 2));
  for (int s = 0; s < 4; ++s) trainer.step(std::span<const float>{images}, std::span<const int>{std::vector<int>(32, 2)});
  return {learned(model), trainer.recording().nodes()};
}

}  // namespace

TEST_CASE("a CUDA device is named with its compute capability") {
  CHECK(tn::gpu::device_name().find("compute capability") != std::string::npos);
}

TEST_CASE("more memory than there is is refused with how much there is, and work goes on") {
  std::string refusal;
  try {
    const tn::gpu::memory<float> too_much{tn::index{1} << 46};
  } catch (const tn::device_memory_error& e) {
    refusal = e.what();
  }
  CAPTURE(refusal);
  CHECK(refusal.find("out of memory on ") == 0);
  CHECK(refusal.find("a smaller batch needs less") != std::string::npos);
  tn::model<smooth, tn::gpu> model{tn::seed{3}};
  CHECK(tn::fit(model, bars(40, 1), tn::cross_entropy{}, tn::adam{}, {}).epochs.size() == 1);
}

TEST_CASE("a data set that does not fit on the device is read by the host, with the same results") {
  const auto numbers_after = [](const auto& data) {
    tn::model<smooth, tn::gpu> model{tn::seed{3}};
    tn::fit(model, data, tn::cross_entropy{}, tn::adam{}, {.epochs = 2});
    CHECK(tn::evaluate(model, data).count == 40);
    return learned(model);
  };
  CHECK(same_bits(numbers_after(larger_than_memory{40}), numbers_after(bars(40, 1))));
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

TEST_CASE("a recorded step is replayed on the memory it was recorded with, and on no other") {
  CHECK(same_bits(moved_into<tn::device_launch::graph>(), moved_into<tn::device_launch::stream>()));
}

TEST_CASE("a step on given samples is recorded") {
  const auto [graph, nodes] = stepped<tn::device_launch::graph>();
  const auto [stream, none] = stepped<tn::device_launch::stream>();
  CHECK(nodes == 10);  // that of an epoch also takes its batch from a chunk
  CHECK(none == 0);
  CHECK(same_bits(graph, stream));
}

TEST_CASE("a thread may copy while another records") {
  tn::gpu::stream stream;
  tn::gpu::recording recording;
  tn::gpu::memory<int> numbers{64}, others{64};
  int* const of = numbers.data();
  std::string failure;
  recording.record(stream.handle(), [&] {
    stream.for_each(64, [=] TYPENET_HD(tn::index i) { of[i] += static_cast<int>(i); });
    std::thread{[&] {
      try {
        others.copy_from(std::vector<int>(64, 5));
      } catch (const tn::device_error& e) {
        failure = e.what();
      }
    }}.join();
  });
  CHECK(failure == "");
  recording.replay(stream.handle());
  recording.replay(stream.handle());
  CHECK(copy_of(numbers)[63] == 126);
  CHECK(copy_of(others)[63] == 5);
}

TEST_CASE("a kernel that fails is reported where the program waits, and the program goes on") {
  // The variables let the emulation of a device fail, which ends the program where a kernel writes astray.
  CHECK(status_of("a kernel that fails", {"TYPENET_CUDA_ON_CPU_FAIL_SYNCHRONIZATION=30", "EMU_FAIL=30"}) == 0);
}

TEST_CASE("a kernel that fails" * doctest::skip()) {
  tn::gpu::memory<float> kept{64};
  std::string failure;
  try {
    tn::model<smooth, tn::gpu> model{tn::seed{3}};
    tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{}, tn::fit_options{.epochs = 4}};
    trainer.fit(bars(96, 1));
    model.stream().for_each(1, stray_write{});
    trainer.fit(bars(96, 1));
    model.stream().wait();
  } catch (const tn::device_error& e) {
    failure = e.what();
  }
  CAPTURE(failure);
  CHECK(failure.find("a kernel failed (") != std::string::npos);
  CHECK_THROWS_AS(copy_of(kept), tn::device_error);
  CHECK_THROWS_AS(kept.copy_from(std::vector<float>(64)), tn::device_error);
  tn::gpu::stream stream;
  CHECK_THROWS_AS(stream.sort_by_key(reinterpret_cast<std::uint64_t*>(kept.data()), kept.data(), 16), tn::device_error);
}
