// SPDX-License-Identifier: MIT
// The commands of lenet5 (train, evaluate, predict, reproduce) for any recipe on any backend.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <typenet/io.hpp>

#include "digit.hpp"
#include "program.hpp"
#include "progress.hpp"
#include "recipes.hpp"
#include "registry.hpp"
#include "results.hpp"
#include "settings.hpp"
#include "shell.hpp"

namespace lenet5 {

inline volatile std::sig_atomic_t interrupted = 0;

/// Installs handlers for SIGINT and SIGTERM that set `interrupted`. Training then stops at its next callback.
inline void note_interruptions() {
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
}
/// Returns the value for training callbacks: `stop` after an interruption, else `proceed`.
inline tn::control unless_interrupted() { return interrupted != 0 ? tn::control::stop : tn::control::proceed; }

inline tn::mnist_dataset load(const settings& s, tn::mnist_split split) {
  return s.dataset == "mnist" ? tn::load_mnist(split, s.data) : tn::load_fashion_mnist(split, s.data);
}
/// Selects the images with the indices `which`, in that order. An empty `which` selects all images.
inline tn::mnist_dataset choose(tn::mnist_dataset images, const std::vector<tn::index>& which) {
  if (which.empty()) return images;
  std::vector<std::uint8_t> pixels;
  std::vector<int> labels;
  pixels.reserve(which.size() * static_cast<std::size_t>(tn::mnist_dataset::sample_shape.size()));
  for (const tn::index i : which) {
    const auto bytes = images.bytes(i);
    pixels.insert(pixels.end(), bytes.begin(), bytes.end());
    labels.push_back(images.label(i));
  }
  return {std::move(pixels), std::move(labels)};
}

/// The training images and the test images of one run.
struct images_of_run {
  tn::mnist_dataset training, testing;
  std::vector<tn::index> tested;  ///< indices in the test split of the images in `testing`; empty: all, in order
};
/// Loads the images that a recipe uses.
/// @param s if `held_out` is positive, this number of training images is removed from training and used as the test images
template <class Recipe>
images_of_run images_for(const Recipe& recipe, const settings& s, tn::seed seed) {
  const auto chosen = [&](tn::mnist_split split) {
    tn::mnist_dataset all = load(s, split);
    std::vector<tn::index> which = recipe.choice(split, all.size(), seed);
    return std::pair{choose(std::move(all), which), std::move(which)};
  };
  auto training = chosen(tn::mnist_split::train).first;
  if (s.held_out > 0) {
    // The split is independent of the seed of the run.
    const auto parts = tn::stratified_split(training, s.held_out, tn::seed{0});
    const auto copy = [&](const auto& part) { return choose(training, {part.indices().begin(), part.indices().end()}); };
    return {copy(parts.train), copy(parts.held_out), {}};
  }
  auto [testing, which] = chosen(tn::mnist_split::test);
  return {std::move(training), std::move(testing), std::move(which)};
}

inline std::span<const std::string_view> class_names(const settings& s) {
  return s.dataset == "mnist" ? std::span<const std::string_view>{tn::mnist_class_names} : tn::fashion_mnist_class_names;
}

inline void print_report(const tn::report& r, const settings& s) {
  std::printf("\n%s\n%s accuracy %.2f %% (%lld misclassified of %lld)\n", to_string(r, class_names(s)).c_str(), s.split.c_str(),
              100 * r.accuracy, static_cast<long long>(r.misclassified), static_cast<long long>(r.count));
}

/// Formats a number as the shortest text that parses to exactly this number.
inline std::string exact(double x) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), x).ptr};
}

/// Warns on stderr if this build is slower than the machine allows.
inline void warn_of_slow_build() {
  const tn::build_facts build = tn::build_info();
  if (!build.optimized)
    std::fprintf(stderr, "lenet5: this build is not optimised and will be slow; configure with -DCMAKE_BUILD_TYPE=Release\n");
#if defined(__GNUC__) && defined(__x86_64__)
  if (build.packet_floats < (__builtin_cpu_supports("avx512f") ? 16 : __builtin_cpu_supports("avx2") ? 8 : 4))
    std::fprintf(stderr, "lenet5: this build uses %s, and this machine could do more at a time; configure with -DTYPENET_NATIVE=ON\n",
                 build.instruction_set);
#endif
}

/// Prints the smallest and largest step size of an optimizer that scales its steps by curvature.
template <class Trainer>
void print_rates(const Trainer& trainer) {
  if constexpr (tn::detail::uses_curvature<std::decay_t<decltype(trainer.optimizer())>>) {
    std::vector<typename Trainer::scalar> curvature(static_cast<std::size_t>(trainer.optimizer_state(0).size()));
    trainer.optimizer_state(0).copy_to(curvature);
    double least = 1e300, most = 0;
    for (const tn::parameter_info& info : Trainer::network::parameters)
      for (tn::index i = info.offset; i < info.offset + info.size(); ++i) {
        const double rate =
            trainer.optimizer().learning_rate / (trainer.optimizer().mu + static_cast<double>(curvature[static_cast<std::size_t>(i)]));
        least = std::min(least, rate);
        most = std::max(most, rate);
      }
    std::printf("learning rates of this epoch's weights: %.2g to %.2g\n", least, most);
  }
}

/// Writes the progress of training as CSV: the mean loss since the previous line, and the root mean square of all parameters.
template <class Model>
class step_log {
 public:
  step_log(const std::filesystem::path& file, const Model& model) : model_{&model} {
    if (file.empty()) return;
    out_.open(file);
    if (!out_) throw tn::file_error(file.string() + ": cannot be written");
    out_ << "step,loss,parameter_rms\n";
  }
  void step(const tn::step_report& r, tn::index update) {
    if (!out_.is_open()) return;
    const double sum = r.loss * static_cast<double>(r.samples);
    if (r.samples < samples_) sum_ = 0, samples_ = 0;  // a new epoch has begun
    loss_ += sum - sum_;
    count_ += r.samples - samples_;
    sum_ = sum;
    samples_ = r.samples;
    if (update < next_) return;
    std::vector<typename Model::scalar> parameters(static_cast<std::size_t>(model_->parameter_array().size()));
    model_->parameter_array().copy_to(parameters);
    double squares = 0;
    for (const auto p : parameters) squares += static_cast<double>(p) * static_cast<double>(p);
    out_ << update << ',' << loss_ / static_cast<double>(count_) << ','
         << std::sqrt(squares / static_cast<double>(Model::network::parameter_count)) << '\n';
    next_ = update + every;
    loss_ = 0;
    count_ = 0;
  }

 private:
  static constexpr tn::index every = 50;
  const Model* model_;
  std::ofstream out_;
  tn::index next_ = every, samples_ = 0, count_ = 0;
  double sum_ = 0, loss_ = 0;
};

/// Prints the command that uses the trained network.
inline void print_use(const settings& s) {
  std::string command = shell_word(s.program) + " predict --weights " + shell_word(s.output.string());
  if (s.model != program.model) command += " --model " + s.model;
  if (s.backend != program.backend) command += " --backend " + s.backend;
  if (s.dataset != "mnist") command += " --dataset " + s.dataset;
  if (!s.data.empty()) command += " --data " + shell_word(s.data.string());
  std::printf("what it makes of a test image:\n  %s --index 7\n", command.c_str());
}

template <class Backend, class Recipe>
int train(const Recipe& recipe, settings s) {
  using network = typename Recipe::network;
  const int epochs = s.epochs > 0 ? s.epochs : recipe.epochs;
  const int batch_size = s.batch_size > 0 ? s.batch_size : recipe.batch_size;
  const double learning_rate = s.learning_rate.value_or(recipe.learning_rate);

  std::printf("%s\n%s\n", to_string(tn::build_info()).c_str(), tn::summary<network>().c_str());
  if constexpr (requires { Backend::device_name(); })
    std::printf("on %s\n", Backend::device_name().c_str());
  else
    warn_of_slow_build();
  tn::model<network, Backend> model{tn::seed{s.seed.value_or(default_seed)}};
  recipe.initialize(model);
  progress_display display{epochs};
  step_log log{s.log, model};
  std::function<void(const tn::step_report&)> write_log;
  std::function<void()> save, tell_rates;
  tn::fit_options options{.epochs = epochs, .batch_size = batch_size, .threads = s.threads, .shuffle = recipe.shuffle};
  options.learning_rate = recipe.schedule(learning_rate);
  options.on_step = [&](const tn::step_report& r) {
    display.step(r);
    write_log(r);
    return unless_interrupted();
  };
  options.on_epoch = [&](const tn::epoch_report& r) {
    display.epoch(r);
    tell_rates();
    save();
    return unless_interrupted();
  };
  auto optimizer = recipe.optimizer(learning_rate);
  if (s.weight_decay) {
    if constexpr (requires { optimizer.weight_decay; })
      optimizer.weight_decay = *s.weight_decay;
    else
      throw tn::argument_error("--weight-decay: the optimizer of model '" + s.model + "' has none");
  }
  tn::trainer trainer{model, recipe.loss(), optimizer, options};
  write_log = [&](const tn::step_report& r) { log.step(r, trainer.progress().updates); };
  if (!s.resume.empty()) {
    tn::load_checkpoint(s.resume, trainer);
    if (s.seed && *s.seed != trainer.seed().value)
      throw tn::argument_error(s.resume.string() + ": it was trained with --seed " + std::to_string(trainer.seed().value) + ", not " +
                               std::to_string(*s.seed));
    const tn::training_progress& done = trainer.progress();
    std::printf("resumed from %s after %d epoch%s and %lld samples%s\n", s.resume.c_str(), done.epoch, done.epoch == 1 ? "" : "s",
                static_cast<long long>(done.position),
                done.epoch >= epochs ? "; nothing is left to do: --epochs counts from the start" : "");
  }

  const images_of_run images = images_for(recipe, s, trainer.seed());
  const auto training = recipe.training_data(images.training);
  const auto testing = recipe.testing_data(images.testing);

  const std::string file = s.model + "-" + s.dataset + "-seed" + std::to_string(trainer.seed().value) + ".safetensors";
  if (s.output.empty()) s.output = s.resume.empty() ? std::filesystem::path{"runs"} / file : s.resume;
  if (std::filesystem::is_directory(s.output) || !s.output.has_filename()) s.output /= file;
  if (s.output.has_parent_path()) std::filesystem::create_directories(s.output.parent_path());
  save = [&] { tn::save_checkpoint(s.output, trainer); };
  tell_rates = [&] { print_rates(trainer); };

  note_interruptions();
  const auto start = std::chrono::steady_clock::now();
  const tn::history past = trainer.fit(training);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  display.finish();
  save();
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);

  if (past.stopped) {
    std::string command = shell_word(s.program) + " train --model " + s.model + " --dataset " + s.dataset + " --epochs " +
                          std::to_string(epochs) + " --batch-size " + std::to_string(batch_size) + " --learning-rate " +
                          exact(learning_rate);
    if (s.threads > 0) command += " --threads " + std::to_string(s.threads);
    if (s.backend != program.backend) command += " --backend " + s.backend;
    if (s.weight_decay) command += " --weight-decay " + exact(*s.weight_decay);
    if (s.held_out > 0) command += " --hold-out " + std::to_string(s.held_out);
    if (!s.data.empty()) command += " --data " + shell_word(s.data.string());
    std::printf("\nstopped; to go on as if it had not been:\n  %s --resume %s\n", command.c_str(), shell_word(s.output.string()).c_str());
    return 130;
  }
  if (s.held_out > 0) s.split = "held-out";
  print_report(tn::evaluate(model, testing, recipe.loss()), s);
  std::printf("trained %d epoch%s in %.1f s", static_cast<int>(past.epochs.size()), past.epochs.size() == 1 ? "" : "s", seconds.count());
  if constexpr (!requires { Backend::device_name(); })
    std::printf(" with %d thread%s", trainer.threads(), trainer.threads() == 1 ? "" : "s");
  std::printf("; checkpoint: %s\n", s.output.c_str());
  print_use(s);
  return 0;
}

template <class Backend, class Recipe>
int evaluate(const Recipe& recipe, const settings& s) {
  tn::model<typename Recipe::network, Backend> model;
  tn::load_weights(s.weights, model);
  const auto split = s.split == "test" ? tn::mnist_split::test : tn::mnist_split::train;
  print_report(tn::evaluate(model, recipe.testing_data(load(s, split)), recipe.loss()), s);
  return 0;
}

template <class Backend, class Recipe>
int predict(const Recipe& recipe, const settings& s) {
  tn::model<typename Recipe::network, Backend> model;
  tn::load_weights(s.weights, model);
  std::array<float, Recipe::network::input_shape.size()> sample;
  int truth = -1;
  if (s.index >= 0) {
    const auto images = recipe.testing_data(load(s, s.split == "test" ? tn::mnist_split::test : tn::mnist_split::train));
    if (s.index >= images.size())
      throw tn::argument_error("--index " + std::to_string(s.index) + " is beyond the last of " + std::to_string(images.size()) +
                               " images, " + std::to_string(images.size() - 1));
    images.read(s.index, tn::sample_key::evaluation(), sample);
    truth = images.label(s.index);
  } else {
    recipe.testing_data(tn::mnist_dataset{read_digit(s.image, s.invert), std::vector<int>{0}})
        .read(0, tn::sample_key::evaluation(), sample);
  }
  const std::vector<typename Backend::scalar> input(sample.begin(), sample.end());
  const auto scores = model.predict(input);
  const int best = tn::predicted_class(scores, Recipe::network::best_output);
  const auto names = class_names(s);
  std::printf("%s", std::string{names[static_cast<std::size_t>(best)]}.c_str());
  if (truth >= 0) std::printf("  (labelled %s)", std::string{names[static_cast<std::size_t>(truth)]}.c_str());
  std::printf("\n");
  for (std::size_t c = 0; c < scores.size(); ++c)
    std::printf("  %-12s %.4f\n", std::string{names[c]}.c_str(), static_cast<double>(scores[c]));
  return 0;
}

/// Executes one run of `reproduce`: trains, tests after every epoch, and saves a record.
template <class Backend, class Recipe>
int reproduce_run(const Recipe& recipe, const settings& s) {
  constexpr tn::index quick_images = 4'000, quick_tests = 1'000;
  const tn::seed seed{s.seed.value_or(default_seed)};
  images_of_run images = images_for(recipe, s, seed);
  if (s.quick) {
    const auto first = [](const tn::mnist_dataset& of, tn::index count) {
      std::vector<tn::index> which(static_cast<std::size_t>(std::min(count, of.size())));
      std::iota(which.begin(), which.end(), tn::index{0});
      return choose(of, which);
    };
    images.training = first(images.training, quick_images);
    images.testing = first(images.testing, quick_tests);
    if (!images.tested.empty()) images.tested.resize(static_cast<std::size_t>(images.testing.size()));
  }
  const auto training = recipe.training_data(images.training);
  const auto testing = recipe.testing_data(images.testing);
  const auto loss = recipe.loss();

  run_record record{
      .row = s.model, .seed = seed.value, .quick = s.quick, .images = std::move(images.tested), .build = to_string(tn::build_info())};
  tn::model<typename Recipe::network, Backend> model{seed};
  recipe.initialize(model);
  if (s.quick) recipe.hasten(model);
  const int epochs = s.quick ? recipe.quick_epochs : recipe.epochs;
  progress_display display{epochs, s.label};
  tn::report tested;
  tn::fit_options options{.epochs = epochs, .batch_size = recipe.batch_size, .threads = s.threads, .shuffle = recipe.shuffle};
  options.learning_rate = recipe.schedule(recipe.learning_rate);
  options.on_step = [&](const tn::step_report& r) {
    display.step(r);
    return unless_interrupted();
  };
  options.on_epoch = [&](const tn::epoch_report& r) {
    tested = tn::evaluate(model, testing, loss);
    record.loss.push_back(r.loss);
    record.training_accuracy.push_back(r.accuracy);
    record.test_accuracy.push_back(tested.accuracy);
    record.seconds += r.seconds;
    return unless_interrupted();
  };
  note_interruptions();
  tn::trainer trainer{model, loss, recipe.optimizer(recipe.learning_rate), options};
  const tn::history past = trainer.fit(training);
  display.finish();
  if (past.stopped || interrupted != 0) return 130;

  record.test_loss = tested.loss;
  const tn::report trained = tn::evaluate(model, recipe.testing_data(images.training), loss);
  record.training_misses = trained.misclassified;
  record.training_count = trained.count;
  for (tn::index i = 0; i < tested.count; ++i) {
    record.labels += static_cast<char>('0' + images.testing.label(i));
    record.predictions += static_cast<char>('0' + tested.predicted[static_cast<std::size_t>(i)]);
  }
  record.samples_per_second = static_cast<double>(training.size()) * epochs / record.seconds;
  record.threads = trainer.threads();
  save(s.results, record);
  return 0;
}

template <class Backend, class Recipe>
int run(command what, const settings& s) {
  const Recipe recipe;
  switch (what) {
    case command::train: return train<Backend>(recipe, s);
    case command::evaluate: return evaluate<Backend>(recipe, s);
    case command::predict: return predict<Backend>(recipe, s);
    case command::reproduce:
      if constexpr (Recipe::reproduced && std::is_same_v<Backend, typename Recipe::cpu>) return reproduce_run<Backend>(recipe, s);
  }
  return 1;
}

/// Registers a recipe on a backend. The file that calls this function compiles the recipe.
template <class Backend, class Recipe>
bool enlist(std::string_view backend) {
  using network = typename Recipe::network;
  add_to_registry({.name = std::string{Recipe::name},
                   .about = std::string{Recipe::about},
                   .backend = std::string{backend},
                   .layers = network::layer_count,
                   .parameters = network::parameter_count,
                   .macs = network::macs,
                   .reproduced = Recipe::reproduced,
                   .seeds = Recipe::seeds,
                   .epochs = Recipe::epochs,
                   .quick_epochs = Recipe::quick_epochs,
                   .published = Recipe::published,
                   .run = &run<Backend, Recipe>});
  return true;
}

}  // namespace lenet5
