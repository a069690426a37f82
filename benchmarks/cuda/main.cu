// SPDX-License-Identifier: MIT
// typenet_cuda_benchmarks [--quick] [--json FILE] [--peer FILE]: measures a training step and inference on this machine's CUDA device.
// The FILE of a peer has lines "name value unit", as pytorch.py writes them.
#include <typenet/thrust.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "../lenet5.hpp"

namespace {

namespace tn = typenet;
using benchmarks::lenet5;

/// Checks a result of the CUDA runtime, as the library does.
void check(cudaError_t code) { tn::detail::check_cuda(code, "measuring"); }

/// Measures the milliseconds on the device between two points of a stream.
class stopwatch {
 public:
  explicit stopwatch(cudaStream_t stream) : stream_{stream} {
    check(cudaEventCreate(&start_));
    check(cudaEventCreate(&stop_));
  }
  stopwatch(const stopwatch&) = delete;
  stopwatch& operator=(const stopwatch&) = delete;
  ~stopwatch() {
    cudaEventDestroy(start_);
    cudaEventDestroy(stop_);
  }
  void start() { check(cudaEventRecord(start_, stream_)); }
  double stop() {
    check(cudaEventRecord(stop_, stream_));
    check(cudaEventSynchronize(stop_));
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, start_, stop_));
    return static_cast<double>(milliseconds);
  }

 private:
  cudaStream_t stream_;
  cudaEvent_t start_{}, stop_{};
};

/// The median of five measurements.
template <class Measure>
double median(const Measure& measure) {
  std::vector<double> times;
  for (int i = 0; i < 5; ++i) times.push_back(measure());
  std::nth_element(times.begin(), times.begin() + 2, times.end());
  return times[2];
}

struct figure {
  std::string name;
  double value;
  std::string unit;
};

/// Executes multiply-adds in registers on every multiprocessor.
__global__ void multiply_add(float* out, int rounds, float scale) {
  float a[16];
  for (int i = 0; i < 16; ++i) a[i] = static_cast<float>(threadIdx.x + i);
  for (int r = 0; r < rounds; ++r) {
#pragma unroll
    for (int i = 0; i < 16; ++i) a[i] = fmaf(a[i], scale, 0.5f);
  }
  float sum = 0;
  for (int i = 0; i < 16; ++i) sum += a[i];
  if (sum == 0.123f) *out = sum;  // never true, but the compiler cannot know
}

/// The peak FLOP/s of the device in float. A multiply-add counts as two.
double measure_peak() {
  tn::gpu::stream stream;
  tn::gpu::array out{1};
  int processors = 0;
  check(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0));
  const int blocks = 8 * processors, threads = 256, rounds = 20'000;
  stopwatch watch{stream.handle()};
  const auto once = [&] {
    watch.start();
    multiply_add<<<blocks, threads, 0, stream.handle()>>>(out.data(), rounds, 0.999f);
    check(cudaGetLastError());
    return watch.stop();
  };
  once();
  return 2.0 * 16 * rounds * threads * blocks / (median(once) * 1e-3);
}

__global__ void nothing() {}

/// Microseconds of a graph of `nodes` empty kernels: the pure launch cost.
double measure_floor(std::size_t nodes, int repetitions) {
  tn::gpu::stream stream;
  tn::gpu::recording graph;
  graph.record(stream.handle(), [&] {
    for (std::size_t i = 0; i < nodes; ++i) nothing<<<1, 32, 0, stream.handle()>>>();
    check(cudaGetLastError());
  });
  stopwatch watch{stream.handle()};
  const auto once = [&] {
    watch.start();
    for (int i = 0; i < repetitions; ++i) graph.replay(stream.handle());
    return watch.stop() * 1e3 / repetitions;
  };
  once();
  return median(once);
}

tn::tensor_dataset<tn::shape{1, 32, 32}, 10> data_of(int samples) {
  std::vector<int> labels(static_cast<std::size_t>(samples));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i % 10);
  return {benchmarks::random_numbers(static_cast<std::size_t>(samples) * 1024, 1), std::move(labels)};
}

/// Microseconds per step of `fit`, including shuffling, reading and the step itself.
template <tn::device_launch Launch>
double measure_training(int batch, int steps, std::size_t* nodes = nullptr) {
  using backend = tn::thrust_backend<float, Launch>;
  const auto data = data_of(batch * steps);
  tn::model<lenet5, backend> model{tn::seed{42}};
  // Runs six epochs; the first warms up. The device computes one epoch between two callbacks.
  stopwatch watch{model.stream().handle()};
  std::vector<double> times;
  tn::fit_options options{.epochs = 6, .batch_size = batch};
  options.on_epoch = [&](const tn::epoch_report&) {
    times.push_back(watch.stop() * 1e3 / steps);
    watch.start();
    return tn::control::proceed;
  };
  tn::trainer trainer{model, tn::mse{}, tn::adam{.learning_rate = 3e-4, .weight_decay = 1e-4}, options};
  watch.start();
  trainer.fit(data);
  if constexpr (Launch == tn::device_launch::graph)
    if (nodes != nullptr) *nodes = trainer.recording().nodes();
  times.erase(times.begin());
  std::nth_element(times.begin(), times.begin() + 2, times.end());
  return times[2];
}

/// Seconds for inference on `count` samples: with the samples already on the device, and including the copies to and from the device.
struct inference_time {
  double device, whole;
};
inference_time measure_inference(tn::index count, int repetitions) {
  using model_type = tn::model<lenet5, tn::gpu>;
  model_type model{tn::seed{42}};
  stopwatch watch{model.stream().handle()};
  const auto on_device = [&] {
    watch.start();
    for (int i = 0; i < repetitions; ++i)
      for (tn::index first = 0; first < count; first += model_type::batch) model.infer(std::min(count - first, model_type::batch));
    return watch.stop() * 1e-3 / repetitions;
  };
  const auto samples = benchmarks::random_numbers(static_cast<std::size_t>(count) * 1024, 2);
  std::vector<float> answers(static_cast<std::size_t>(count) * 10);
  const auto whole = [&] {
    watch.start();
    for (int i = 0; i < repetitions; ++i) model.predict(samples, answers, count);
    return watch.stop() * 1e-3 / repetitions;
  };
  on_device();
  whole();
  return {median(on_device), median(whole)};
}

std::vector<figure> read_peer(const std::string& file) {
  std::ifstream in{file};
  if (!in) throw std::runtime_error("cannot read " + file);
  std::vector<figure> figures;
  for (std::string line; std::getline(in, line);) {
    // The name may contain blanks; the value and the unit contain none.
    std::istringstream words{line};
    std::vector<std::string> all;
    for (std::string word; words >> word;) all.push_back(word);
    if (all.size() < 3) throw std::runtime_error(file + ": expected 'name value unit', found '" + line + "'");
    figure f{all[0], std::stod(all[all.size() - 2]), all.back()};
    for (std::size_t i = 1; i + 2 < all.size(); ++i) f.name += " " + all[i];
    figures.push_back(f);
  }
  return figures;
}

}  // namespace

int main(int argc, char** argv) try {
  bool quick = false;
  std::string json_file, peer_file;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--quick") {
      quick = true;
    } else if ((argument == "--json" || argument == "--peer") && i + 1 < argc) {
      (argument == "--json" ? json_file : peer_file) = argv[++i];
    } else {
      std::fprintf(stderr, "typenet_cuda_benchmarks: '%s' is not known; there are --quick, --json FILE and --peer FILE\n",
                   argument.c_str());
      return 2;
    }
  }

  std::printf("On %s.\n\n", tn::gpu::device_name().c_str());
  const int steps = quick ? 256 : 1'024;
  std::vector<figure> figures;
  const double peak = measure_peak();
  figures.push_back({"FP32 peak", peak * 1e-9, "GFLOP/s"});
  for (const int batch : {32, 256}) {
    const std::string at = ", batch " + std::to_string(batch);
    std::size_t nodes = 0;
    const double graph = measure_training<tn::device_launch::graph>(batch, steps, &nodes);
    figures.push_back({"training step, kernel by kernel" + at, measure_training<tn::device_launch::stream>(batch, steps), "us"});
    figures.push_back({"training step, CUDA graph" + at, graph, "us"});
    figures.push_back({"training step, persistent kernel" + at, measure_training<tn::device_launch::persistent>(batch, steps), "us"});
    figures.push_back({"launch floor, empty graph of " + std::to_string(nodes) + " kernels" + at, measure_floor(nodes, steps), "us"});
    figures.push_back({"training, CUDA graph" + at, batch / (graph * 1e-6), "samples/s"});
    figures.push_back({"training, CUDA graph, share of peak" + at, 100 * benchmarks::training_flop * batch / (graph * 1e-6) / peak, "%"});
  }
  for (const int count : {1, 256, 65'536}) {
    const inference_time t = measure_inference(count, quick ? 3 : count == 65'536 ? 20 : 1'000);
    const std::string of = ", " + std::to_string(count) + (count == 1 ? " sample" : " samples");
    figures.push_back({"inference on the device" + of, t.device * 1e6, "us"});
    figures.push_back({"inference with the way there and back" + of, t.whole * 1e6, "us"});
    figures.push_back({"inference on the device, share of peak" + of, 100 * benchmarks::inference_flop * count / t.device / peak, "%"});
  }
  if (!peer_file.empty())
    for (figure& f : read_peer(peer_file)) figures.push_back(std::move(f));

  std::printf("| | |\n|---|---|\n");
  for (const figure& f : figures) std::printf("| %s | %.4g %s |\n", f.name.c_str(), f.value, f.unit.c_str());
  if (!json_file.empty()) {
    nlohmann::json all = nlohmann::json::array();
    for (const figure& f : figures) all.push_back({{"name", f.name}, {"value", f.value}, {"unit", f.unit}});
    std::ofstream out{json_file};
    out << all.dump(2) << '\n';
    if (!out) throw std::runtime_error("cannot write " + json_file);
  }
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "typenet_cuda_benchmarks: %s\n", e.what());
  return 1;
}
