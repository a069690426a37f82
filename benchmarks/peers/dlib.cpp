// SPDX-License-Identifier: MIT
// Measures `classifier` in dlib with the matrix products of OpenBLAS. Each iteration is a whole step on tensors in memory.
// dnn_trainer is not used, because it adds a thread and copies.
#include <dlfcn.h>
#include <dlib/dnn.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "../lenet5.hpp"
#include "../measure.hpp"

namespace benchmarks {
namespace {

template <long Maps, class Below>
using window = dlib::add_layer<dlib::con_<Maps, 5, 5, 1, 1, 0, 0>, Below>;
template <class Below>
using halved = dlib::add_layer<dlib::max_pool_<2, 2, 2, 2, 0, 0>, Below>;

/// `classifier` of lenet5.hpp.
/// @tparam Norm the batch norm layer of dlib: for training or for inference
template <template <class> class Norm>
using network = dlib::loss_multiclass_log<dlib::fc<
    10, dlib::relu<dlib::fc<
            84, dlib::relu<dlib::fc<
                    120, halved<dlib::relu<Norm<window<16, halved<dlib::relu<Norm<window<6, dlib::input<dlib::matrix<float>>>>>>>>>>>>>>>>;
using training_network = network<dlib::bn_con>;
using inference_network = network<dlib::affine>;

using set_threads_function = void (*)(int);
/// Finds openblas_set_num_threads; null if this program uses another BLAS.
set_threads_function openblas_set_threads() {
  static const auto found = reinterpret_cast<set_threads_function>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
  return found;
}

std::vector<dlib::matrix<float>> images(int count, std::uint32_t which) {
  std::vector<dlib::matrix<float>> all;
  for (int i = 0; i < count; ++i) {
    const std::vector<float> numbers = random_numbers(32 * 32, which + static_cast<std::uint32_t>(i));
    all.push_back(dlib::reshape(dlib::mat(numbers), 32, 32));
  }
  return all;
}

struct training {
  static constexpr int batches = 8;
  explicit training(int batch) {
    for (int b = 0; b < batches; ++b) {
      const auto some = images(batch, static_cast<std::uint32_t>(1000 * b));
      net.to_tensor(some.begin(), some.end(), inputs.emplace_back());
      for (int i = 0; i < batch; ++i) labels.push_back(static_cast<unsigned long>((b + i) % 10));
    }
    solvers.assign(training_network::num_computational_layers, dlib::adam{1e-4F, 0.9F, 0.999F});
  }
  double step(int batch) {
    const int b = next++ % batches;
    const double loss = net.compute_parameter_gradients(inputs[static_cast<std::size_t>(b)], labels.begin() + b * batch);
    net.update_parameters(dlib::make_sstack(solvers), 3e-4);
    return loss;
  }

  training_network net;
  std::vector<dlib::resizable_tensor> inputs;
  std::vector<unsigned long> labels;
  std::vector<dlib::adam> solvers;
  int next = 0;
};

void measure_step(const std::string& name, int batch, int threads, const effort& how) {
  const auto shared = std::make_shared<std::unique_ptr<training>>();
  measure({.name = "dlib: " + name, .samples = static_cast<double>(batch), .threads = threads}, how, [=](benchmark::State& state) {
    openblas_set_threads()(threads);
    if (*shared == nullptr) *shared = std::make_unique<training>(batch);
    for ([[maybe_unused]] const auto _ : state) benchmark::DoNotOptimize((*shared)->step(batch));
  });
}

void measure_prediction(const std::string& name, int batch, int threads, const effort& how) {
  struct session {
    inference_network net;
    dlib::resizable_tensor input;
  };
  const auto shared = std::make_shared<std::unique_ptr<session>>();
  measure({.name = "dlib: " + name, .samples = static_cast<double>(batch), .threads = threads}, how, [=](benchmark::State& state) {
    openblas_set_threads()(threads);
    if (*shared == nullptr) {
      *shared = std::make_unique<session>();
      // Trains first, because only the batch norm of a trained network can be folded.
      training trained{32};
      trained.step(32);
      (*shared)->net = trained.net;
      const auto some = images(batch, 1);
      (*shared)->net.to_tensor(some.begin(), some.end(), (*shared)->input);
    }
    for ([[maybe_unused]] const auto _ : state) benchmark::DoNotOptimize((*shared)->net.subnet().forward((*shared)->input).host());
  });
}

void measure_dlib(const effort& how) {
  for (const int threads : team_sizes()) {
    measure_step("training step, batch 32, classifier, " + threads_text(threads), 32, threads, how);
    measure_prediction("inference, batch 1000, classifier, " + threads_text(threads), 1000, threads, how);
  }
}

// Registers dlib only with OpenBLAS; other BLAS libraries would not be representative.
[[maybe_unused]] const bool here = openblas_set_threads() != nullptr && (registration{"dlib", measure_dlib}, true);

}  // namespace
}  // namespace benchmarks
