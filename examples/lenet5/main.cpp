// SPDX-License-Identifier: MIT
// The program lenet5: trains, evaluates and uses networks of the LeNet-5 family on MNIST and Fashion-MNIST.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <typenet/core/error.hpp>

#include "arguments.hpp"
#include "program.hpp"
#include "registry.hpp"
#include "settings.hpp"
#include "suggestion.hpp"

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

/// Names of the commands, in the order of the help.
std::vector<std::string> names_of(const std::vector<CLI::App*>& commands) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return names;
}

/// A suggestion for the first option that a command does not have; empty without one.
std::string suggestion_for_option(const CLI::App& app) {
  for (const CLI::App* command : app.get_subcommands()) {
    std::vector<std::string> names;
    for (const CLI::Option* option : command->get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& word : command->remaining())
      if (word.starts_with("--")) return suggestion(word.substr(0, word.find('=')), names);
  }
  return {};
}

/// The largest number of threads that is accepted: four for each processor, and at least 16. Threads wait for one another in every step, so
/// that many more than processors hardly get on.
int most_threads() { return std::max(16, 4 * static_cast<int>(std::thread::hardware_concurrency())); }

/// Says what is wrong with the command line. @returns the exit status
int refuse(const std::string& what) {
  std::fprintf(stderr, "lenet5: %s\n'lenet5 --help' and 'lenet5 COMMAND --help' say what there is\n", what.c_str());
  return 2;
}

/// Divides the words of `predict` into weights and an image. `predict IMAGE --weights FILE` means the same as `predict FILE IMAGE`.
/// @throws typenet::argument_error if one of them is missing, or there are more
void assign_words(settings& s, const std::vector<std::string>& words) {
  std::vector<std::string> files = words;
  if (!s.weights.empty()) files.insert(files.begin(), s.weights.string());
  const std::size_t wanted = s.index >= 0 ? 1 : 2;
  if (files.size() < wanted)
    throw tn::argument_error(files.empty()
                                 ? "predict needs weights, and an image file or --index N"
                                 : "predict needs weights and an image: lenet5 predict WEIGHTS IMAGE, or lenet5 predict WEIGHTS --index N");
  if (files.size() > wanted) throw tn::argument_error("predict takes one image, and was given another: '" + files.back() + "'");
  s.weights = files[0];
  if (wanted == 2) s.image = files[1];
}

/// Runs the program. @returns its exit status
int run(int argc, char** argv) {
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
  const auto threads = [&](CLI::App* command) {
    command->add_option("--threads", s.threads, "0: what proves fastest")
        ->capture_default_str()
        ->check(whole_number(0, most_threads(), " on this machine"));
  };
  CLI::App* const train_command = app.add_subcommand("train", "trains a network and tests it");
  common(train_command);
  threads(train_command);
  train_command->add_option("--epochs", s.epochs, "epochs in all; the model's own number unless given")->check(whole_number(1));
  train_command->add_option("--batch-size", s.batch_size, "samples a step; the model's own number unless given")->check(whole_number(1));
  // CLI11 before 2.4 parses -1 as the largest unsigned number.
  train_command->add_option("--seed", s.seed, "decides every random choice; a resumed training keeps its own")
      ->default_str(std::to_string(default_seed))
      ->check(whole_number<std::uint64_t>(0));
  train_command->add_option("--learning-rate", s.learning_rate, "of the optimizer; the model's own unless given")->check(number_from_0());
  train_command->add_option("--weight-decay", s.weight_decay, "of an optimizer that has it; the model's own unless given")
      ->check(number_from_0());
  train_command->add_option("--log", s.log,
                            "a CSV file for the loss and the size of the weights every 50 steps; a resumed training goes on with it");
  train_command->add_option("--hold-out", s.held_out, "train on all but this many images of the training split, and test with those")
      ->check(whole_number(1));
  train_command->add_option("--output", s.output,
                            "the checkpoint, written after every epoch: a file, or a folder for one "
                            "[runs/MODEL-DATASET-seedSEED.safetensors, or with a number where that exists]");
  train_command->add_option("--resume", s.resume, "go on from this checkpoint")->check(CLI::ExistingFile);
  train_command->add_flag("--overwrite", s.overwrite, "replace an earlier checkpoint and log");
  train_command->add_flag("--allow-non-finite", s.allow_non_finite, "go on when the loss or a weight is infinite or not a number");
  CLI::App* const evaluate_command = app.add_subcommand("evaluate", "tests a trained network");
  common(evaluate_command);
  evaluate_command->add_option("weights,--weights", s.weights, "a checkpoint")->required();
  evaluate_command->add_option("--split", s.split, "test or train")->capture_default_str()->check(CLI::IsMember({"test", "train"}));
  CLI::App* const predict_command = app.add_subcommand("predict", "says what an image shows");
  common(predict_command);
  std::vector<std::string> words;
  predict_command->add_option("files", words, "WEIGHTS, a checkpoint, and IMAGE, a file, light on dark as in the data set");
  predict_command->add_option("--weights", s.weights, "the checkpoint, instead of the first file");
  predict_command->add_option("--index", s.index, "an image of the data set, from 0, instead of a file")->check(whole_number(0));
  predict_command->add_option("--split", s.split, "where --index counts")->capture_default_str()->check(CLI::IsMember({"test", "train"}));
  predict_command->add_flag("--invert", s.invert, "the image is dark on light");
  CLI::App* const reproduce_command =
      app.add_subcommand("reproduce", "runs published experiments beside their results; what is done stays done");
  reproduce_command->add_option("--seeds", s.seeds, "runs of each row, with seeds from 42 on; the row's own number unless given")
      ->check(whole_number(1));
  reproduce_command->add_flag("--quick", s.quick,
                              "each row once, on few images, to prove that it learns (exit status 1 where one does not)");
  reproduce_command->add_option("--only", s.only, "this row alone; may be repeated");
  const auto results = [&](CLI::App* command) {
    command->add_option("--results", s.results, "folder of the records, tables and pictures")->capture_default_str();
    command->add_option("--data", s.data, "folder of MNIST's files; else $TYPENET_DATA, else the user's cache");
  };
  results(reproduce_command);
  threads(reproduce_command);
  CLI::App* const plot_command = app.add_subcommand("plot", "draws what reproduce left: confusion, curves, missed digits");
  results(plot_command);
  CLI::App* const models_command = app.add_subcommand("models", "lists what can be trained");

  const std::vector<std::string> commands = names_of(app.get_subcommands([](const CLI::App*) { return true; }));
  const std::string first = argc > 1 ? argv[1] : "";
  if (!first.starts_with('-') && std::find(commands.begin(), commands.end(), first) == commands.end()) {
    std::string all;
    for (const std::string& name : commands) all += (all.empty() ? "" : ", ") + name;
    return refuse((first.empty() ? "a command is missing" : "there is no command '" + first + "'") + suggestion(first, commands) +
                  "; there are: " + all);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ExtrasError& e) {
    return refuse(e.what() + suggestion_for_option(app));
  } catch (const CLI::ParseError& e) {
    return e.get_exit_code() == 0 ? app.exit(e) : refuse(e.what());  // 0: --help
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
  if (predict_command->parsed()) assign_words(s, words);
  const command what = train_command->parsed() ? command::train : evaluate_command->parsed() ? command::evaluate : command::predict;
  return run_recipe(what, s);
}

}  // namespace

int main(int argc, char** argv) try {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // line buffering: a log shows each line at once
  const int status = run(argc, argv);
  if (status == 0 && (std::fflush(stdout) != 0 || std::ferror(stdout) != 0))
    throw tn::file_error("the output could not be written in full");
  return status;
} catch (const tn::training_error& e) {
  std::fprintf(stderr, "lenet5: %s\nEarlier checkpoints stay as they were; lenet5 train --allow-non-finite goes on regardless\n", e.what());
  return 1;
} catch (const std::bad_alloc&) {
  std::fprintf(stderr, "lenet5: out of memory; a lower --batch-size needs less, and so do fewer --threads\n");
  return 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "lenet5: %s\n", e.what());
  return 1;
}
