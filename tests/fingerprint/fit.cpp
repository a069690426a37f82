// SPDX-License-Identifier: MIT
// Fingerprints of training through `fit`: data sets, augmentation, validation, curvature, numeric targets and checkpoints. Also
// fingerprints of single steps, because these networks share their kernels.
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <typenet/data.hpp>

#if __has_include(<nlohmann/json.hpp>)
#include <typenet/io.hpp>
#define FINGERPRINT_IO 1
#endif

#include "harness.hpp"
#include "images.hpp"
#include "networks.hpp"

namespace fingerprint {

namespace {

/// Hashes every sample of a data set, first augmented as in training, then as in evaluation.
template <class Data>
void add_samples(fnv1a& hash, const Data& data) {
  std::vector<float> sample(static_cast<std::size_t>(Data::sample_shape.size()));
  for (const tn::sample_key& key : {tn::sample_key{.seed = tn::seed{3}, .epoch = 2}, tn::sample_key::evaluation()})
    for (tn::index i = 0; i < data.size(); ++i) {
      data.read(i, key, sample);
      hash.add(sample);
      hash.add(data.label(i));
    }
}

void transforms() {
  const auto stored = images<tn::shape{1, 9, 10}>(20, 30);
  const auto each = [&](const std::string& name, const auto&... transform) {
    const auto data = tn::transformed(stored, transform...);
    print("data: " + name, [&](fnv1a& hash, int) { add_samples(hash, data); });
  };
  each("bytes");
  each("resize up", tn::resize<16, 15>{});
  each("resize down", tn::resize<5, 7>{});
  each("resize, not antialiased", tn::resize<6, 13, tn::antialias<false>>{});
  each("pad", tn::pad<12, 15>{}, tn::normalize{0.3f, 0.2f});
  each("rotation", tn::random_rotation{20});
  each("affine", tn::random_affine{.degrees = 10, .translate = 1.5f, .scale = 0.1f, .squeeze = 0.1f, .shear = 10, .fill = 7});
  each("roll", tn::random_roll{2});
  each("jitter", tn::color_jitter{.brightness = 0.3f, .contrast = 0.3f});

  print("data: splits", [&](fnv1a& hash, int) {
    const auto strata = tn::stratified_split(stored, 7, tn::seed{3});
    hash.add(strata.train.indices());
    hash.add(strata.held_out.indices());
    for (const auto& part : tn::random_split(stored, {11, 9}, tn::seed{3})) hash.add(part.indices());
    add_samples(hash, tn::subset{stored, {4, 2, 9}});
  });
}

/// Prints fingerprints of the initial parameters of several schemes.
void initial() {
  const std::pair<const char*, tn::init::scheme> schemes[] = {
      {"defaults", {}},
      {"lecun 1998", tn::init::lecun_1998_scheme()},
      {"lecun 1989", tn::init::lecun_1989_scheme()},
      {"xavier", {.weight = tn::init::xavier_uniform(), .bias = tn::init::constant(0.1), .centers = tn::init::uniform(-1, 1)}},
      {"normal", {.weight = tn::init::xavier_normal(), .bias = tn::init::normal(0, 1)}},
      {"kaiming", {.weight = tn::init::kaiming_normal(), .bias = tn::init::zeros()}}};
  for (const auto& [name, scheme] : schemes)
    print(std::string{"initial: "} + name, [&](fnv1a& hash, int) {
      tn::model<composed> model{model_seed, scheme};
      model.initialize({.weight = tn::init::kaiming_uniform(1)}, "head");
      add_model(hash, model, false);
    });
}

/// Prints a fingerprint of steps with one numeric target per output.
template <class Backend>
void towards_numbers(const std::string& name) {
  using net = tn::network<tn::input<5>, tn::linear<3>>;
  using scalar = typename Backend::scalar;
  print(name, [&](fnv1a& hash, int threads) {
    tn::model<net, Backend> model{model_seed};
    tn::trainer trainer{model, tn::mse{}, tn::sgd{.learning_rate = 0.1}, tn::fit_options{.batch_size = 19, .threads = threads}};
    const auto from = numbers<scalar>(19 * 5, 1), to = numbers<scalar>(19 * 3, 2);
    for (int step = 0; step < 3; ++step) hash.add(trainer.step(std::span<const scalar>{from}, std::span<const scalar>{to}));
    add_model(hash, model, true);
    add_predictions(hash, model, threads);
  });
}

#if defined(FINGERPRINT_IO)
/// A temporary folder. The destructor removes it with its contents.
class scratch_folder {
 public:
  scratch_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "fingerprint-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw std::filesystem::filesystem_error("mkdtemp", name, std::error_code{errno, std::generic_category()});
    path_ = name;
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// Prints a fingerprint of a training that stops within an epoch. A second trainer resumes it from a checkpoint.
void resumed() {
  const auto data = samples<tn::shape{37}, 4>(70, 40);
  print("fit: resumed from a checkpoint", [&](fnv1a& hash, int threads) {
    const scratch_folder folder;
    tn::fit_options options{.epochs = 3, .batch_size = 16, .threads = threads, .keep_best = true};
    tn::fit_options interrupted = options;
    int calls = 0;
    interrupted.on_step = [&](const tn::step_report&) { return ++calls == 7 ? tn::control::stop : tn::control::proceed; };
    {
      tn::model<vectors> model{model_seed};
      tn::trainer trainer{model, tn::mse{}, tn::adam{.learning_rate = 1e-2}, interrupted};
      add_history(hash, trainer.fit(data));
      tn::save_checkpoint(folder / "c.safetensors", trainer);
    }
    tn::model<vectors> model{tn::seed{1}};
    tn::trainer trainer{model, tn::mse{}, tn::adam{.learning_rate = 1e-2}, options};
    tn::load_checkpoint(folder / "c.safetensors", trainer);
    add_history(hash, trainer.fit(data));
    add_model(hash, model, true);
    tn::save_weights(folder / "w.safetensors", model);
    std::ifstream file{folder / "w.safetensors", std::ios::binary};
    hash.add(std::string{std::istreambuf_iterator<char>{file}, {}});
  });
}
#endif

}  // namespace

void through_fit() {
  transforms();
  initial();
  towards_numbers<tn::cpu>("numbers as targets");

  steps<classic>("classic, adam", tn::cross_entropy{}, tn::adam{.learning_rate = 3e-3, .weight_decay = 1e-4}, {37, 16, 5, 1});
  steps<vectors>("vectors, adam", tn::cross_entropy{}, tn::adam{.learning_rate = 1e-2}, {37, 3});
  steps<connected>("connected, rbf_map", tn::rbf_map{.j = 0.5}, tn::sgd{.learning_rate = 1e-3});
  const auto data = samples<tn::shape{1, 10, 10}, 4>(45, 10), test = samples<tn::shape{1, 10, 10}, 4>(20, 12);
  fits<connected>("fit: connected, curvature", data, test, tn::rbf_mse{},
                  tn::stochastic_diagonal_lm{.learning_rate = 1e-3, .curvature_samples = 30}, {.epochs = 2, .batch_size = 7});
  fits<connected, tn::cpu_single>("fit: single: connected, curvature", data, test, tn::rbf_map{},
                                  tn::stochastic_diagonal_lm{.learning_rate = 1e-3, .curvature_samples = 30},
                                  {.epochs = 2, .batch_size = 1});
  fits<classic>(
      "fit: classic, augmented", distorted(70, 20), distorted(33, 22), tn::cross_entropy{}, tn::adam{.learning_rate = 3e-3},
      {.epochs = 3, .batch_size = 24, .validation_split = 0.2, .keep_best = true, .learning_rate = [](int epoch) { return 3e-3 / epoch; }});
#if defined(FINGERPRINT_IO)
  resumed();
#endif
}

}  // namespace fingerprint
