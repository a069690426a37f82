// SPDX-License-Identifier: MIT
// What lenet5 does, for any backend.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <typenet/io.hpp>

#include "digit.hpp"
#include "progress.hpp"
#include "recipes.hpp"
#include "settings.hpp"

namespace lenet5 {

inline volatile std::sig_atomic_t interrupted = 0;

inline tn::mnist_dataset load(const settings& s, tn::mnist_split split) {
  return s.dataset == "mnist" ? tn::load_mnist(split, s.data) : tn::load_fashion_mnist(split, s.data);
}
inline std::span<const std::string_view> class_names(const settings& s) {
  return s.dataset == "mnist" ? std::span<const std::string_view>{tn::mnist_class_names} : tn::fashion_mnist_class_names;
}

inline void print_report(const tn::report& r, const settings& s) {
  std::printf("\n%s\n%s accuracy %.2f %% (%lld misclassified of %lld)\n", to_string(r, class_names(s)).c_str(), s.split.c_str(),
              100 * r.accuracy, static_cast<long long>(r.misclassified), static_cast<long long>(r.count));
}

/// A word that a shell reads as it is.
inline std::string shell_word(const std::string& word) {
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr("-_./=:,+@%", c) != nullptr; };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return text + "'";
}

/// The shortest text that reads back as this very number.
inline std::string exact(double x) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), x).ptr};
}

/// Says where a build is slower than it need be.
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

/// Between which steps an optimizer that scales them by curvature moves.
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
  const auto training = recipe.training_data(load(s, tn::mnist_split::train));
  const auto testing = recipe.testing_data(load(s, tn::mnist_split::test));

  tn::model<network, Backend> model{tn::seed{s.seed.value_or(default_seed)}};
  recipe.initialize(model);
  progress_display display{epochs};
  std::function<void()> save, tell_rates;
  tn::fit_options options{.epochs = epochs, .batch_size = batch_size, .threads = s.threads};
  options.learning_rate = recipe.schedule(learning_rate);
  options.on_step = [&](const tn::step_report& r) {
    display.step(r);
    return interrupted != 0 ? tn::control::stop : tn::control::proceed;
  };
  options.on_epoch = [&](const tn::epoch_report& r) {
    display.epoch(r);
    tell_rates();
    save();
    return interrupted != 0 ? tn::control::stop : tn::control::proceed;
  };
  tn::trainer trainer{model, recipe.loss(), recipe.optimizer(learning_rate), options};
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

  const std::string file = s.model + "-" + s.dataset + "-seed" + std::to_string(trainer.seed().value) + ".safetensors";
  if (s.output.empty()) s.output = s.resume.empty() ? std::filesystem::path{"runs"} / file : s.resume;
  if (std::filesystem::is_directory(s.output) || !s.output.has_filename()) s.output /= file;
  if (s.output.has_parent_path()) std::filesystem::create_directories(s.output.parent_path());
  save = [&] { tn::save_checkpoint(s.output, trainer); };
  tell_rates = [&] { print_rates(trainer); };

  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
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
    if (s.backend != "eigen") command += " --backend " + s.backend;
    if (!s.data.empty()) command += " --data " + shell_word(s.data.string());
    std::printf("\nstopped; to go on as if it had not been:\n  %s --resume %s\n", command.c_str(), shell_word(s.output.string()).c_str());
    return 130;
  }
  print_report(tn::evaluate(model, testing, recipe.loss()), s);
  std::printf("trained %d epoch%s in %.1f s", static_cast<int>(past.epochs.size()), past.epochs.size() == 1 ? "" : "s", seconds.count());
  if constexpr (!requires { Backend::device_name(); })
    std::printf(" with %d thread%s", trainer.threads(), trainer.threads() == 1 ? "" : "s");
  std::printf("; checkpoint: %s\n", s.output.c_str());
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
    recipe.testing_data(read_digit(s.image, s.invert)).read(0, tn::sample_key::evaluation(), sample);
  }
  const auto scores = model.predict(sample);
  const int best = tn::predicted_class(scores, Recipe::network::best_output);
  const auto names = class_names(s);
  std::printf("%s", std::string{names[static_cast<std::size_t>(best)]}.c_str());
  if (truth >= 0) std::printf("  (labelled %s)", std::string{names[static_cast<std::size_t>(truth)]}.c_str());
  std::printf("\n");
  for (std::size_t c = 0; c < scores.size(); ++c)
    std::printf("  %-12s %.4f\n", std::string{names[c]}.c_str(), static_cast<double>(scores[c]));
  return 0;
}

template <class Backend, class Recipe>
int run(command what, const settings& s) {
  const Recipe recipe;
  switch (what) {
    case command::train: return train<Backend>(recipe, s);
    case command::evaluate: return evaluate<Backend>(recipe, s);
    case command::predict: return predict<Backend>(recipe, s);
  }
  return 1;
}

/// The recipe that is named, on a backend that not all are compiled for.
template <class Backend>
int run_everywhere(command what, const settings& s) {
  return with_recipe(s.model, [&]<class Recipe>(const Recipe&) {
    if constexpr (Recipe::everywhere)
      return run<Backend, Recipe>(what, s);
    else
      throw tn::argument_error("model '" + s.model + "' runs with --backend eigen alone");
    return 1;
  });
}

}  // namespace lenet5
