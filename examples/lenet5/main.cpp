// SPDX-License-Identifier: MIT
// The program lenet5: trains, evaluates and uses networks of the LeNet-5 family on MNIST and Fashion-MNIST.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>

#include <typenet/core/error.hpp>

#include "program.hpp"
#include "registry.hpp"
#include "settings.hpp"

namespace {

namespace tn = typenet;
using namespace lenet5;

void list_models() {
  std::printf("%-22s %6s %10s %9s  %s\n", "model", "layers", "parameters", "MACs", "");
  for (const compiled_recipe& r : compiled_recipes(program.backend))
    std::printf("%-22s %6d %10lld %9lld  %s\n", r.name.c_str(), r.layers, r.parameters, r.macs, r.about.c_str());
  if (const std::string others = names_not_compiled(); !others.empty())
    std::printf("not compiled into this program: %s; the target lenet5 has all\n", others.c_str());
}

}  // namespace

int main(int argc, char** argv) try {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // line buffering: a log shows each line at once
  settings s;
  if (argc > 0) s.program = argv[0];
  s.model = program.model;
  s.backend = program.backend;
  CLI::App app{"Trains, evaluates and uses networks of the LeNet-5 family."};
  app.require_subcommand(1);
  const auto common = [&](CLI::App* command) {
    command->add_option("--model", s.model, "what to train, of " + recipe_names() + "; lenet5 models says more of each")
        ->capture_default_str();
    command->add_option("--dataset", s.dataset, "mnist or fashion-mnist")
        ->capture_default_str()
        ->check(CLI::IsMember({"mnist", "fashion-mnist"}));
    command->add_option("--backend", s.backend, "eigen (the CPU), thrust (the same on Thrust) or cuda (a GPU), where compiled in")
        ->capture_default_str()
        ->check(CLI::IsMember({"eigen", "thrust", "cuda"}));
    command->add_option("--data", s.data, "folder of the data set's files; else $TYPENET_DATA, else the user's cache");
  };
  CLI::App* const train_command = app.add_subcommand("train", "trains a network and tests it");
  common(train_command);
  train_command->add_option("--epochs", s.epochs, "epochs in all; the model's own number unless given")->check(CLI::PositiveNumber);
  train_command->add_option("--batch-size", s.batch_size, "samples a step; the model's own number unless given")
      ->check(CLI::PositiveNumber);
  // CLI11 before 2.4 parses -1 as the largest unsigned number.
  train_command->add_option("--seed", s.seed, "decides every random choice; a resumed training keeps its own")
      ->default_str(std::to_string(default_seed))
      ->check([](const std::string& text) { return text.starts_with('-') ? "must not be negative" : std::string{}; });
  train_command->add_option("--threads", s.threads, "0: what proves fastest")->capture_default_str()->check(CLI::NonNegativeNumber);
  train_command->add_option("--learning-rate", s.learning_rate, "of the optimizer; the model's own unless given")
      ->check(CLI::NonNegativeNumber);
  train_command->add_option("--weight-decay", s.weight_decay, "of an optimizer that has it; the model's own unless given")
      ->check(CLI::NonNegativeNumber);
  train_command->add_option("--log", s.log, "a CSV file for the loss and the size of the weights every 50 steps");
  train_command->add_option("--hold-out", s.held_out, "train on all but this many images of the training split, and test with those")
      ->check(CLI::PositiveNumber);
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
  CLI::App* const reproduce_command =
      app.add_subcommand("reproduce", "runs published experiments beside their results; what is done stays done");
  reproduce_command->add_option("--seeds", s.seeds, "runs of each row, with seeds from 42 on; the row's own number unless given")
      ->check(CLI::PositiveNumber);
  reproduce_command->add_flag("--quick", s.quick,
                              "each row once, on few images, to prove that it learns (exit status 1 where one does not)");
  reproduce_command->add_option("--only", s.only, "this row alone; may be repeated");
  const auto results = [&](CLI::App* command) {
    command->add_option("--results", s.results, "folder of the records, tables and pictures")->capture_default_str();
    command->add_option("--data", s.data, "folder of MNIST's files; else $TYPENET_DATA, else the user's cache");
  };
  results(reproduce_command);
  reproduce_command->add_option("--threads", s.threads, "0: what proves fastest")->capture_default_str()->check(CLI::NonNegativeNumber);
  CLI::App* const plot_command = app.add_subcommand("plot", "draws what reproduce left: confusion, curves, missed digits");
  results(plot_command);
  CLI::App* const models_command = app.add_subcommand("models", "lists what can be trained");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help
    std::fprintf(stderr, "lenet5: %s\n'lenet5 --help' and 'lenet5 COMMAND --help' say what there is\n", e.what());
    return 2;
  }

  if (models_command->parsed()) {
    list_models();
    return 0;
  }
  if (plot_command->parsed() || reproduce_command->parsed()) {
    const std::string name = plot_command->parsed() ? "plot" : "reproduce";
    if (!program.whole) throw tn::argument_error(name + " needs every model, and this program has few; " + build_instead("lenet5"));
    if (plot_command->parsed()) return program.plot(s);
    if (program.reproduce == nullptr)
      throw tn::argument_error("this lenet5 was built without Boost.Math, which reproduce needs (Debian: libboost-dev)");
    return program.reproduce(s);
  }
  if (predict_command->parsed() && image->count() + index->count() == 0)
    throw tn::argument_error("predict needs an image file or --index N");
  const command what = train_command->parsed() ? command::train : evaluate_command->parsed() ? command::evaluate : command::predict;
  return run_recipe(what, s);
} catch (const std::exception& e) {
  std::fprintf(stderr, "lenet5: %s\n", e.what());
  return 1;
}
