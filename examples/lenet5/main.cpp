// SPDX-License-Identifier: MIT
// lenet5: trains, evaluates and uses networks of the LeNet-5 family on MNIST and Fashion-MNIST.
#include <CLI/CLI.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include <typenet/io.hpp>

#include "digit.hpp"
#include "progress.hpp"
#include "recipes.hpp"

namespace {

namespace tn = typenet;
using namespace lenet5;

volatile std::sig_atomic_t interrupted = 0;

struct settings {
  std::string model{modern::name};
  std::string dataset = "mnist";
  std::filesystem::path data;
  int epochs = 0;
  int batch_size = 32;
  std::uint64_t seed = 42;
  int threads = 0;
  double learning_rate = 3e-4;
  std::filesystem::path output;
  std::filesystem::path resume;
  std::filesystem::path weights;
  std::string split = "test";
  std::filesystem::path image;
  int index = -1;
  bool invert = false;
};

tn::mnist_dataset load(const settings& s, tn::mnist_split split) {
  return s.dataset == "mnist" ? tn::load_mnist(split, s.data) : tn::load_fashion_mnist(split, s.data);
}
std::span<const std::string_view> class_names(const settings& s) {
  return s.dataset == "mnist" ? std::span<const std::string_view>{tn::mnist_class_names} : tn::fashion_mnist_class_names;
}

void print_report(const tn::report& r, const settings& s) {
  std::printf("\n%s\n%s accuracy %.2f %% (%lld misclassified of %lld)\n", to_string(r, class_names(s)).c_str(), s.split.c_str(),
              100 * r.accuracy, static_cast<long long>(r.misclassified), static_cast<long long>(r.count));
}

template <class Recipe>
int train(const Recipe& recipe, settings s) {
  using network = typename Recipe::network;
  const std::string file = s.model + "-" + s.dataset + "-seed" + std::to_string(s.seed) + ".safetensors";
  if (s.output.empty()) s.output = s.resume.empty() ? std::filesystem::path{"runs"} / file : s.resume;
  if (std::filesystem::is_directory(s.output)) s.output /= file;
  if (s.output.has_parent_path()) std::filesystem::create_directories(s.output.parent_path());
  const int epochs = s.epochs > 0 ? s.epochs : recipe.epochs;

  std::printf("%s\n%s\n", to_string(tn::build_info()).c_str(), tn::summary<network>().c_str());
  if (!tn::build_info().optimized)
    std::fprintf(stderr, "lenet5: this build is not optimised and will be slow; configure with -DCMAKE_BUILD_TYPE=Release\n");
  const auto training = augmented(load(s, tn::mnist_split::train));
  const auto testing = as_tested(load(s, tn::mnist_split::test));

  tn::model<network> model{tn::seed{s.seed}};
  progress_display display{epochs};
  const auto start = std::chrono::steady_clock::now();
  tn::fit_options options{.epochs = epochs, .batch_size = s.batch_size, .threads = s.threads};
  // Filled in below: the callbacks save what the trainer holds.
  tn::trainer<decltype(model), tn::mse, tn::adam>* saved = nullptr;
  options.on_step = [&](const tn::step_report& r) {
    display.step(r);
    return interrupted != 0 ? tn::control::stop : tn::control::proceed;
  };
  options.on_epoch = [&](const tn::epoch_report& r) {
    display.epoch(r);
    tn::save_checkpoint(s.output, *saved);
    return interrupted != 0 ? tn::control::stop : tn::control::proceed;
  };
  tn::trainer trainer{model, loss(), optimizer(s.learning_rate), options};
  saved = &trainer;
  if (!s.resume.empty()) {
    tn::load_checkpoint(s.resume, trainer);
    std::printf("resumed from %s after %d epochs and %lld samples\n", s.resume.c_str(), trainer.progress().epoch,
                static_cast<long long>(trainer.progress().position));
  }
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  const tn::history past = trainer.fit(training);
  display.finish();
  tn::save_checkpoint(s.output, trainer);
  if (past.stopped) {
    std::string data = s.data.empty() ? "" : " --data " + s.data.string();
    std::printf(
        "\nstopped; to go on as if it had not been:\n  lenet5 train --model %s --dataset %s --epochs %d --batch-size %d --learning-rate "
        "%g%s --output %s --resume %s\n",
        s.model.c_str(), s.dataset.c_str(), epochs, s.batch_size, s.learning_rate, data.c_str(), s.output.c_str(), s.output.c_str());
    return 130;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  print_report(tn::evaluate(model, testing, loss()), s);
  std::printf("trained %d epochs in %.1f s with %d thread%s; checkpoint: %s\n", static_cast<int>(past.epochs.size()), seconds.count(),
              trainer.threads(), trainer.threads() == 1 ? "" : "s", s.output.c_str());
  return 0;
}

template <class Recipe>
int evaluate(const Recipe&, const settings& s) {
  tn::model<typename Recipe::network> model;
  tn::load_weights(s.weights, model);
  print_report(tn::evaluate(model, as_tested(load(s, s.split == "test" ? tn::mnist_split::test : tn::mnist_split::train)), loss()), s);
  return 0;
}

template <class Recipe>
int predict(const Recipe&, const settings& s) {
  tn::model<typename Recipe::network> model;
  tn::load_weights(s.weights, model);
  std::array<float, test_data::sample_shape.size()> sample;
  int truth = -1;
  if (s.index >= 0) {
    const auto images = as_tested(load(s, s.split == "test" ? tn::mnist_split::test : tn::mnist_split::train));
    if (s.index >= images.size())
      throw tn::argument_error("--index " + std::to_string(s.index) + " is beyond the last of " + std::to_string(images.size()) +
                               " images, " + std::to_string(images.size() - 1));
    images.read(s.index, tn::sample_key::evaluation(), sample);
    truth = images.label(s.index);
  } else {
    as_tested(read_digit(s.image, s.invert)).read(0, tn::sample_key::evaluation(), sample);
  }
  const auto scores = model.predict(sample);
  const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
  const auto names = class_names(s);
  std::printf("%s", std::string{names[static_cast<std::size_t>(best)]}.c_str());
  if (truth >= 0) std::printf("  (labelled %s)", std::string{names[static_cast<std::size_t>(truth)]}.c_str());
  std::printf("\n");
  for (std::size_t c = 0; c < scores.size(); ++c)
    std::printf("  %-12s %.4f\n", std::string{names[c]}.c_str(), static_cast<double>(scores[c]));
  return 0;
}

void list_models() {
  std::printf("%-10s %6s %10s %9s  %s\n", "model", "layers", "parameters", "MACs", "");
  std::apply(
      [](const auto&... recipe) {
        (std::printf("%-10s %6d %10lld %9lld  %s\n", std::string{recipe.name}.c_str(), std::decay_t<decltype(recipe)>::network::layer_count,
                     static_cast<long long>(std::decay_t<decltype(recipe)>::network::parameter_count),
                     static_cast<long long>(std::decay_t<decltype(recipe)>::network::macs), std::string{recipe.about}.c_str()),
         ...);
      },
      recipes);
}

}  // namespace

int main(int argc, char** argv) try {
  settings s;
  CLI::App app{"Trains, evaluates and uses networks of the LeNet-5 family."};
  app.require_subcommand(1);
  const auto common = [&](CLI::App* command) {
    command->add_option("--model", s.model, "what to train: see lenet5 models")->capture_default_str();
    command->add_option("--dataset", s.dataset, "mnist or fashion-mnist")
        ->capture_default_str()
        ->check(CLI::IsMember({"mnist", "fashion-mnist"}));
    command->add_option("--data", s.data, "folder of the data set's files; else $TYPENET_DATA, else the user's cache");
  };
  CLI::App* const train_command = app.add_subcommand("train", "trains a network and tests it");
  common(train_command);
  train_command->add_option("--epochs", s.epochs, "epochs in all; the model's own number unless given")->check(CLI::PositiveNumber);
  train_command->add_option("--batch-size", s.batch_size, "samples a step")->capture_default_str()->check(CLI::PositiveNumber);
  train_command->add_option("--seed", s.seed, "decides every random choice")->capture_default_str();
  train_command->add_option("--threads", s.threads, "0: what proves fastest")->capture_default_str()->check(CLI::NonNegativeNumber);
  train_command->add_option("--learning-rate", s.learning_rate, "of Adam")->capture_default_str()->check(CLI::NonNegativeNumber);
  train_command->add_option(
      "--output", s.output,
      "the checkpoint, written after every epoch: a file, or a folder for one [runs/MODEL-DATASET-seedSEED.safetensors]");
  train_command->add_option("--resume", s.resume, "go on from this checkpoint")->check(CLI::ExistingFile);
  CLI::App* const evaluate_command = app.add_subcommand("evaluate", "tests a trained network");
  common(evaluate_command);
  evaluate_command->add_option("weights", s.weights, "a checkpoint")->required();
  evaluate_command->add_option("--split", s.split, "test or train")->capture_default_str()->check(CLI::IsMember({"test", "train"}));
  CLI::App* const predict_command = app.add_subcommand("predict", "says what an image shows");
  common(predict_command);
  predict_command->add_option("--weights", s.weights, "a checkpoint")->required();
  predict_command->add_option("--split", s.split, "where --index counts")->capture_default_str()->check(CLI::IsMember({"test", "train"}));
  CLI::Option* const image = predict_command->add_option("image", s.image, "an image file, light on dark as in the data set");
  CLI::Option* const index =
      predict_command->add_option("--index", s.index, "an image of the data set, from 0")->check(CLI::NonNegativeNumber);
  image->excludes(index);
  predict_command->add_flag("--invert", s.invert, "the image is dark on light");
  CLI::App* const models_command = app.add_subcommand("models", "lists what can be trained");
  CLI11_PARSE(app, argc, argv);

  if (models_command->parsed()) {
    list_models();
    return 0;
  }
  if (predict_command->parsed() && image->count() + index->count() == 0)
    throw tn::argument_error("predict needs an image file or --index N");
  return with_recipe(s.model, [&](const auto& recipe) {
    if (train_command->parsed()) return train(recipe, s);
    if (evaluate_command->parsed()) return evaluate(recipe, s);
    return predict(recipe, s);
  });
} catch (const std::exception& e) {
  std::fprintf(stderr, "lenet5: %s\n", e.what());
  return 1;
}
