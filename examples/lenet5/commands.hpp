// SPDX-License-Identifier: MIT
// The commands of lenet5 (train, evaluate, predict, reproduce) for any recipe on any backend.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <typenet/io.hpp>

#include "digit.hpp"
#include "images.hpp"
#include "interruption.hpp"
#include "memory_limit.hpp"
#include "outputs.hpp"
#include "program.hpp"
#include "progress.hpp"
#include "recipes.hpp"
#include "registry.hpp"
#include "results.hpp"
#include "settings.hpp"
#include "shell.hpp"
#include "step_log.hpp"

namespace lenet5 {

namespace fs = std::filesystem;

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

/// Prints the command that uses the trained network.
inline void print_use(const settings& s) {
  std::string command = shell_word(s.program) + " predict --weights " + shell_word(s.output.string());
  if (s.model != program.model) command += " --model " + s.model;
  if (s.backend != program.backend) command += " --backend " + s.backend;
  if (s.dataset != "mnist") command += " --dataset " + s.dataset;
  if (!s.data.empty()) command += " --data " + shell_word(s.data.string());
  std::printf("what it makes of a test image:\n  %s --index 7\n", command.c_str());
}

/// The command that goes on with a training that was stopped.
inline std::string command_to_go_on(const settings& s, int epochs, int batch_size, double learning_rate) {
  std::string command = shell_word(s.program) + " train --model " + s.model + " --dataset " + s.dataset + " --epochs " +
                        std::to_string(epochs) + " --batch-size " + std::to_string(batch_size) + " --learning-rate " + exact(learning_rate);
  if (s.threads > 0) command += " --threads " + std::to_string(s.threads);
  if (s.backend != program.backend) command += " --backend " + s.backend;
  if (s.weight_decay) command += " --weight-decay " + exact(*s.weight_decay);
  if (s.held_out > 0) command += " --hold-out " + std::to_string(s.held_out);
  if (s.allow_non_finite) command += " --allow-non-finite";
  if (!s.log.empty()) command += " --log " + shell_word(s.log.string());
  if (!s.data.empty()) command += " --data " + shell_word(s.data.string());
  return command + " --resume " + shell_word(s.output.string());
}

/// Warns on stderr if a model that was read from a file holds numbers that are not finite.
template <class Model>
void warn_of_non_finite(const fs::path& file, const Model& model) {
  if (const std::string_view name = model.first_non_finite(); !name.empty())
    std::fprintf(stderr, "lenet5: warning: %s: '%s' holds numbers that are not finite, so its answers mean nothing\n", file.c_str(),
                 std::string{name}.c_str());
}

/// Loads the checkpoint `s.resume`. @returns what to tell the user
template <class Trainer>
std::string resume_training(const settings& s, Trainer& trainer, int epochs) {
  tn::load_checkpoint(s.resume, trainer);
  if (s.seed && *s.seed != trainer.seed().value)
    throw tn::argument_error(s.resume.string() + ": it was trained with --seed " + std::to_string(trainer.seed().value) + ", not " +
                             std::to_string(*s.seed));
  if (s.allow_non_finite)
    warn_of_non_finite(s.resume, trainer.model());
  else if (const std::string_view name = trainer.model().first_non_finite(); !name.empty())
    throw tn::file_error(s.resume.string() + ": '" + std::string{name} +
                         "' holds numbers that are not finite, from which no training recovers; --allow-non-finite goes on regardless");
  const tn::training_progress& done = trainer.progress();
  return "resumed from " + s.resume.string() + " after " + std::to_string(done.epoch) + (done.epoch == 1 ? " epoch" : " epochs") + " and " +
         std::to_string(done.position) + " samples" +
         (done.epoch >= epochs ? "; nothing is left to do: --epochs counts from the start" : "") + "\n";
}

template <class Backend, class Recipe>
int train(const Recipe& recipe, settings s) {
  using network = typename Recipe::network;
  using model_type = tn::model<network, Backend>;
  const int epochs = s.epochs > 0 ? s.epochs : recipe.epochs;
  const int batch_size = s.batch_size > 0 ? s.batch_size : recipe.batch_size;
  const double learning_rate = s.learning_rate.value_or(recipe.learning_rate);
  constexpr bool on_device = requires { Backend::device_name(); };

  // First comes all that may be refused.
  auto optimizer = recipe.optimizer(learning_rate);
  if (s.weight_decay) {
    if constexpr (requires { optimizer.weight_decay; })
      optimizer.weight_decay = *s.weight_decay;
    else
      throw tn::argument_error("--weight-decay: the optimizer of model '" + s.model + "' has none");
  }
  if constexpr (!on_device) require_memory<model_type>(batch_size, memory_bytes());
  model_type model{tn::seed{s.seed.value_or(default_seed)}};
  recipe.initialize(model);
  progress_display display{epochs};
  tn::fit_options options{.epochs = epochs, .batch_size = batch_size, .threads = s.threads, .shuffle = recipe.shuffle};
  options.allow_non_finite = s.allow_non_finite;
  options.learning_rate = recipe.schedule(learning_rate);
  std::function<void(const tn::step_report&)> after_step;
  std::function<void(const tn::epoch_report&)> after_epoch;
  options.on_step = [&](const tn::step_report& r) {
    after_step(r);
    return interruptible::answer();
  };
  options.on_epoch = [&](const tn::epoch_report& r) {
    after_epoch(r);
    return interruptible::answer();
  };
  tn::trainer trainer{model, recipe.loss(), optimizer, options};
  std::string introduction = s.resume.empty() ? "" : resume_training(s, trainer, epochs);

  const images_of_run images = images_for(recipe, s, trainer.seed());
  const auto training = recipe.training_data(images.training);
  const auto testing = recipe.testing_data(images.testing);

  const std::string name = s.model + "-" + s.dataset + "-seed" + std::to_string(trainer.seed().value) + ".safetensors";
  const fs::path wanted = s.output;
  s.output = checkpoint_path(s, name);
  if (s.output != wanted && s.output != s.resume && s.output.filename() != name)
    introduction += (s.output.parent_path() / name).string() + " stays; this training is written to " + s.output.string() + "\n";
  require_writable(s.output);
  step_log log{s, model, trainer.progress()};
  const auto save = [&] {
    if (const std::string_view tensor = model.first_non_finite(); !s.allow_non_finite && !tensor.empty())
      throw tn::training_error("'" + std::string{tensor} + "' holds a number that is not finite");
    tn::save_checkpoint(s.output, trainer);
  };
  after_step = [&](const tn::step_report& r) {
    display.step(r);
    log.step(r, trainer.progress().updates);
  };
  after_epoch = [&](const tn::epoch_report& r) {
    display.epoch(r);
    print_rates(trainer);
    save();
  };

  std::printf("%s\n%s\n", to_string(tn::build_info()).c_str(), tn::summary<network>().c_str());
  if constexpr (on_device)
    std::printf("on %s\n", Backend::device_name().c_str());
  else
    warn_of_slow_build();
  std::printf("%s", introduction.c_str());

  tn::history past;
  std::chrono::duration<double> seconds{};
  // The first checkpoint, before training, reserves its name and shows that there is room for it.
  const bool is_first = !fs::exists(s.output);
  const int first_epoch = trainer.progress().epoch;
  try {
    const interruptible signals;
    if (is_first) save();
    const auto start = std::chrono::steady_clock::now();
    past = trainer.fit(training);
    seconds = std::chrono::steady_clock::now() - start;
    display.finish();
    if (past.stopped) save();
  } catch (...) {
    std::error_code ignored;
    if (is_first && trainer.progress().epoch == first_epoch) fs::remove(s.output, ignored);  // it holds nothing new
    throw;
  }
  if (past.stopped) {
    std::printf("\nstopped; to go on as if it had not been:\n  %s\n", command_to_go_on(s, epochs, batch_size, learning_rate).c_str());
    return interruptible::status();
  }
  if (s.held_out > 0) s.split = "held-out";
  print_report(tn::evaluate(model, testing, recipe.loss()), s);
  std::printf("trained %d epoch%s in %.1f s", static_cast<int>(past.epochs.size()), past.epochs.size() == 1 ? "" : "s", seconds.count());
  if constexpr (!on_device) std::printf(" with %d thread%s", trainer.threads(), trainer.threads() == 1 ? "" : "s");
  std::printf("; checkpoint: %s\n", s.output.c_str());
  print_use(s);
  log.finish();
  return 0;
}

template <class Backend, class Recipe>
int evaluate(const Recipe& recipe, const settings& s) {
  tn::model<typename Recipe::network, Backend> model;
  tn::load_weights(s.weights, model);
  warn_of_non_finite(s.weights, model);
  const auto split = s.split == "test" ? tn::mnist_split::test : tn::mnist_split::train;
  print_report(tn::evaluate(model, recipe.testing_data(load(s, split)), recipe.loss()), s);
  return 0;
}

template <class Backend, class Recipe>
int predict(const Recipe& recipe, const settings& s) {
  tn::model<typename Recipe::network, Backend> model;
  tn::load_weights(s.weights, model);
  warn_of_non_finite(s.weights, model);
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
    std::vector<std::uint8_t> digit = read_digit(s.image, s.invert);
    if (is_dark_on_light(digit))
      std::fprintf(stderr, "lenet5: %s looks dark on light%s, and the networks learn light on dark; try it with%s --invert\n",
                   s.image.c_str(), s.invert ? " with --invert" : "", s.invert ? "out" : "");
    recipe.testing_data(tn::mnist_dataset{std::move(digit), std::vector<int>{0}}).read(0, tn::sample_key::evaluation(), sample);
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
    return interruptible::answer();
  };
  options.on_epoch = [&](const tn::epoch_report& r) {
    tested = tn::evaluate(model, testing, loss);
    record.loss.push_back(r.loss);
    record.training_accuracy.push_back(r.accuracy);
    record.test_accuracy.push_back(tested.accuracy);
    record.seconds += r.seconds;
    return interruptible::answer();
  };
  const interruptible signals;
  tn::trainer trainer{model, loss, recipe.optimizer(recipe.learning_rate), options};
  const tn::history past = trainer.fit(training);
  display.finish();
  if (past.stopped || interruption != 0) return interruptible::status();

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
