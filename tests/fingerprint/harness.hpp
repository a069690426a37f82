// SPDX-License-Identifier: MIT
/// @file
/// The harness of the fingerprint program: it trains small networks on synthetic data and prints a hash of all results. It uses only public
/// names from the umbrella headers, so that the source compiles with old and new versions of the library.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(_OPENMP)
#include <omp.h>
#endif

#include <typenet/typenet.hpp>

#include "fingerprint.hpp"

namespace fingerprint {

namespace tn = typenet;

inline void fail(const std::string& name, const std::string& what) {
  std::fprintf(stderr, "fingerprint: %s: %s\n", name.c_str(), what.c_str());
  ++failures;
}

/// A 64-bit FNV-1a hash of the bytes of numbers and names.
class fnv1a {
 public:
  explicit fnv1a(std::string name) : name_{std::move(name)} {}

  template <class T>
  void add(std::span<const T> values) {
    for (const std::byte b : std::as_bytes(values)) value_ = (value_ ^ std::to_integer<std::uint64_t>(b)) * 0x100000001b3u;
  }
  template <class T>
  void add(const std::vector<T>& values) {
    add(std::span<const T>{values});
  }
  void add(std::string_view text) { add(std::span<const char>{text}); }
  template <class T>
    requires std::is_arithmetic_v<T>
  void add(T value) {
    add(std::span<const T>{&value, 1});
  }
  /// Adds numbers and fails if one is not finite: a NaN would hide other differences.
  template <class T>
  void add_finite(std::span<const T> values, std::string_view what) {
    for (const T v : values)
      if (!std::isfinite(v)) return fail(name_, std::string{what} + " is not finite");
    add(values);
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::string name_;
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

/// Runs `make(hash, threads)` for one thread and for two threads, and prints the hash. Fails if the two hashes differ.
template <class F>
void print(const std::string& name, const F& make) {
  std::uint64_t values[2];
  for (const int threads : {1, 2}) {
#if defined(_OPENMP)
    omp_set_num_threads(threads);  // sets the number of threads for backends that use OpenMP's default
#endif
    fnv1a hash{name};
    make(hash, threads);
    values[threads - 1] = hash.value();
  }
  if (values[0] != values[1]) fail(name, "one thread and two end with different bits");
  std::printf("%-40s %016llx\n", name.c_str(), static_cast<unsigned long long>(values[0]));
  std::fflush(stdout);
}

/// Returns the random word number `number` of sequence `tag`: the output function of SplitMix64.
inline std::uint64_t word(std::uint64_t tag, std::uint64_t number) {
  std::uint64_t z = (tag << 32) + (number + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/// Returns `count` pseudo-random numbers in [-1, 1) that float represents exactly.
template <class Scalar>
std::vector<Scalar> numbers(std::size_t count, std::uint64_t tag) {
  std::vector<Scalar> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<Scalar>(static_cast<double>(word(tag, i) >> 40) * 0x1p-23 - 1);
  return values;
}

inline std::vector<int> labels(std::size_t count, int classes, std::uint64_t tag) {
  std::vector<int> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<int>(word(tag, i) % static_cast<std::uint64_t>(classes));
  return values;
}

/// Returns a data set of random samples with random labels.
template <tn::shape Shape, int Classes>
tn::tensor_dataset<Shape, Classes> samples(std::size_t count, std::uint64_t tag) {
  return {numbers<float>(count * static_cast<std::size_t>(Shape.size()), tag), labels(count, Classes, tag + 1)};
}

inline constexpr tn::seed model_seed{7};

/// Adds the names and values of all parameters and buffers, in the order of the network.
/// @param all_moved true if the function fails for a parameter without any change, which would hide its gradient. Biases are exempt,
/// because normalization cancels some of them.
template <class Model>
void add_model(fnv1a& hash, Model& model, bool all_moved) {
  using scalar = typename Model::scalar;
  Model drawn{model_seed};
  for (const auto& info : Model::network::parameters) {
    const auto now = model.parameter(info.name.view());
    const auto before = drawn.parameter(info.name.view());
    hash.add(info.name.view());
    hash.add_finite(std::span<const scalar>{now}, info.name.view());
    bool moved = false;
    for (std::size_t i = 0; i < now.size(); ++i) moved = moved || now[i] != before[i];
    if (all_moved && !moved && !info.name.view().ends_with("bias"))
      fail(hash.name(), std::string{info.name.view()} + " did not change in training");
  }
  for (const auto& info : Model::network::buffers) {
    const auto now = model.buffer(info.name.view());
    hash.add(info.name.view());
    hash.add_finite(std::span<const scalar>{now}, info.name.view());
  }
}

/// Adds the outputs for a batch of 21 samples, then the outputs for one sample.
template <class Model>
void add_predictions(fnv1a& hash, Model& model, int threads) {
  using scalar = typename Model::scalar;
  constexpr int count = 21, inputs = Model::inputs, outputs = Model::outputs;
  const auto questions = numbers<scalar>(std::size_t{count} * inputs, 90);
  std::vector<scalar> answers(std::size_t{count} * outputs);
  model.set_threads(threads);
  model.predict(questions, answers, count);
  hash.add_finite(std::span<const scalar>{answers}, "a prediction");
  const auto one = model.predict(std::span<const scalar>{questions}.last(inputs));
  hash.add_finite(std::span<const scalar>{one}, "the prediction of one sample");
}

/// Adds every number of an evaluation.
inline void add_report(fnv1a& hash, const tn::report& r) {
  const auto add_scores = [&](const tn::precision_recall& s) {
    for (const double v : {s.precision, s.recall, s.f1}) hash.add(v);
  };
  hash.add(r.loss);
  hash.add(r.accuracy);
  hash.add(r.count);
  hash.add(r.misclassified);
  for (int t = 0; t < r.confusion.classes(); ++t)
    for (int p = 0; p < r.confusion.classes(); ++p) hash.add(r.confusion(t, p));
  for (const tn::class_report& c : r.classes) {
    add_scores(c);
    hash.add(c.support);
  }
  add_scores(r.macro);
  add_scores(r.weighted);
  hash.add(r.ranks);
  hash.add(r.predicted);
  hash.add(r.top_k(2));
}

inline void add_history(fnv1a& hash, const tn::history& h) {
  for (const tn::epoch_report& e : h.epochs) {
    hash.add(e.epoch);
    hash.add(e.loss);
    hash.add(e.accuracy);
    if (e.validation) add_report(hash, *e.validation);
  }
  hash.add(h.epoch);
  hash.add(h.stopped);
}

/// Prints a fingerprint of four training steps for each batch size. The third step has fewer samples than the batch size.
template <class Network, class Backend = tn::cpu, class Loss, class Optimizer>
void steps(const std::string& name, const Loss& loss, const Optimizer& optimizer, std::initializer_list<int> batches = {37, 1}) {
  using model_type = tn::model<Network, Backend>;
  using scalar = typename model_type::scalar;
  for (const int batch : batches) {
    print(name + ", batch " + std::to_string(batch), [&](fnv1a& hash, int threads) {
      model_type model{model_seed};
      tn::trainer trainer{model, loss, optimizer, tn::fit_options{.batch_size = batch, .threads = threads}};
      for (std::uint64_t step = 0; step < 4; ++step) {
        const auto count = static_cast<std::size_t>(step == 2 && batch > 3 ? batch - 3 : batch);
        const auto batch_samples = numbers<scalar>(count * static_cast<std::size_t>(model_type::inputs), 2 * step);
        const auto batch_labels = labels(count, model_type::outputs, 2 * step + 1);
        hash.add(trainer.step(std::span<const scalar>{batch_samples}, std::span<const int>{batch_labels}));
      }
      add_model(hash, model, batch > 1);
      add_predictions(hash, model, threads);
    });
  }
}

/// Prints a fingerprint of a training through `fit`, and of evaluations with the loss and without it.
template <class Network, class Backend = tn::cpu, class Data, class Test, class Loss, class Optimizer>
void fits(const std::string& name, const Data& data, const Test& test, const Loss& loss, const Optimizer& optimizer,
          const tn::fit_options& options) {
  print(name, [&](fnv1a& hash, int threads) {
    tn::model<Network, Backend> model{model_seed};
    tn::fit_options here = options;
    here.threads = threads;
    add_history(hash, tn::fit(model, data, loss, optimizer, here));
    add_model(hash, model, true);
    add_predictions(hash, model, threads);
    add_report(hash, tn::evaluate(model, test, loss));
  });
}

}  // namespace fingerprint
