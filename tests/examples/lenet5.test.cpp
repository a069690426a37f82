// SPDX-License-Identifier: MIT
// Runs the program `lenet5` from a shell on a small generated data set.
#include <doctest/doctest.h>

#if defined(TYPENET_LENET5)

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string>
#include <utility>

#include "workplace.hpp"

using namespace example;

TEST_CASE("lenet5 lists its models and says what it takes") {
  const workplace here;
  const auto models = here.run("models");
  CHECK(models.status == 0);
  CHECK(mentions(models.text, "modern"));
  CHECK(mentions(models.text, "61740"));
  const auto help = here.run("train --help");
  CHECK(help.status == 0);
  for (const char* option : {"--model", "--dataset", "--epochs", "--batch-size", "--seed", "--threads", "--learning-rate", "--data",
                             "--output", "--resume", "--backend", "--hold-out", "--weight-decay", "--log", "lenet5-1998-distorted"})
    CHECK(mentions(help.text, option));
}

TEST_CASE("lenet5 tests with what it held out, and writes down how training goes") {
  const workplace here;
  const auto held = here.run("train --data . --epochs 1 --threads 1 --batch-size 1 --hold-out 20 --log log.csv --output a.safetensors");
  CHECK(held.status == 0);
  CHECK(mentions(held.text, "held-out accuracy"));
  CHECK(mentions(held.text, "misclassified of 20"));
  const std::string log = here.bytes("log.csv");
  CHECK(log.starts_with("step,loss,parameter_rms\n50,"));
  CHECK(std::count(log.begin(), log.end(), '\n') == 2);  // two lines for 80 steps: the title and one progress line
  for (const std::string count : {"100", "101"})
    CHECK(mentions(here.run("train --data . --epochs 1 --hold-out " + count).text, "of 100 training images at most 99 can be held out"));
  CHECK(mentions(here.run("train --data . --epochs 1 --model lenet5-1998 --weight-decay 0.1").text, "has none"));
}

TEST_CASE("lenet5 refuses what it cannot do, with what it can") {
  const workplace here;
  const auto model = here.run("train --model resnet --data .");
  CHECK(model.status == 1);
  CHECK(mentions(model.text,
                 "lenet5: there is no model 'resnet'; there are: modern, softmax, classic, lecun1989, lecun1989-softmax, lecun1989-adamw, "
                 "lecun1989-shift, lecun1989-relu, lecun1989-data, lenet5-1998-mse, lenet5-1998, lenet5-1998-distorted, e1, e2a, e2b, "
                 "e2c, e2d, control"));
  CHECK(mentions(here.run("train --dataset imagenet").text, "fashion-mnist"));
  CHECK(here.run("train --epochs 0 --data .").status != 0);
  CHECK(here.run("train --seed -1 --data .").status != 0);
  const auto nothing = here.run("");
  CHECK(nothing.status == 2);
  CHECK(mentions(nothing.text, "lenet5: "));
  const auto data = here.run("train --data nowhere");
  CHECK(data.status == 1);
  CHECK(mentions(data.text, "nowhere"));
  CHECK(here.run("predict --weights none.safetensors --index 1").status == 1);
}

TEST_CASE("a program with one recipe uses it without being told, and says which target has the others") {
  const workplace here;
  const auto run = [&](const std::string& arguments) { return here.shell("'" TYPENET_LENET5_SOFTMAX "' " + arguments); };
  const auto trained = run("train --data . --epochs 1 --threads 1");
  CHECK(trained.status == 0);
  CHECK(mentions(trained.text, "checkpoint: runs/softmax-mnist-seed42.safetensors"));
  // The program with all recipes computes the same bits.
  CHECK(here.run("train --model softmax --data . --epochs 1 --threads 1 --output all.safetensors").status == 0);
  CHECK(here.bytes("all.safetensors") == here.bytes("runs/softmax-mnist-seed42.safetensors"));
  // The printed command runs successfully.
  const std::size_t start = trained.text.rfind("\n  ") + 3;
  const auto predicted = here.shell(trained.text.substr(start, trained.text.find('\n', start) - start));
  CHECK(predicted.status == 0);
  CHECK(mentions(predicted.text, "(labelled 7)"));

  const auto other = run("train --model lenet5-1998 --data .");
  CHECK(other.status == 1);
  CHECK(mentions(other.text,
                 "model 'lenet5-1998' with --backend eigen is not compiled into this program; build the target "
                 "lenet5_lenet5-1998 (cmake --build BUILD_FOLDER --target lenet5_lenet5-1998)"));
  CHECK(mentions(run("train --model lenet5-1998 --backend thrust --data .").text, "runs with --backend eigen alone"));
  CHECK(mentions(run("train --model resnet --data .").text, "there is no model 'resnet'; there are: modern, softmax, "));
  for (const std::string command : {"plot", "reproduce"}) {
    const auto refused = run(command + " --data .");
    CHECK(refused.status == 1);
    CHECK(mentions(refused.text, command + " needs every model, and this program has few; build the target lenet5 "));
  }
  const auto models = run("models");
  CHECK(models.status == 0);
  CHECK(mentions(models.text, "not compiled into this program: modern, classic, "));
}

TEST_CASE("run.sh refuses a recipe or a backend that is none before it builds anything") {
  const workplace here;
  const auto run = [&](const std::string& arguments) { return here.shell("bash '" TYPENET_LENET5_RUN "' " + arguments); };
  for (const std::string model : {"resnet", "'$(touch made)'", "'x; touch made'", "../modern", "'*'", "''", "'modern eigen'"}) {
    CAPTURE(model);
    for (const std::string option : {"--model ", "--model="}) {
      const auto refused = run(option + model);
      CHECK(refused.status == 1);
      CHECK(mentions(refused.text, "; there are: modern, softmax, classic, lecun1989, "));
    }
  }
  CHECK_FALSE(fs::exists(here.folder / "made"));
  // It finds its own folder, whatever CDPATH is.
  fs::create_directories(here.folder / "examples/lenet5");
  CHECK(mentions(here.shell("export CDPATH=$PWD; cd '" TYPENET_EXAMPLES "/..' && bash examples/lenet5/run.sh --model resnet").text,
                 "there are: modern"));
  CHECK(mentions(run("--backend abacus").text, "there is no backend 'abacus'; there are: eigen, thrust, cuda"));
  CHECK(mentions(run("--model e1 --backend thrust").text, "model 'e1' runs with --backend eigen alone"));
}

TEST_CASE("lenet5 trains, stops, goes on with the same bits, evaluates and predicts") {
  const workplace here;
  const auto straight = here.run("train --data . --epochs 3 --threads 1 --output straight.safetensors");
  CHECK(straight.status == 0);
  CHECK(mentions(straight.text, "epoch 3/3"));
  CHECK(mentions(straight.text, "misclassified of 40"));
  CHECK(here.run("train --data . --epochs 1 --threads 1 --output part.safetensors").status == 0);
  const auto resumed = here.run("train --data . --epochs 3 --threads 1 --resume part.safetensors");
  CHECK(resumed.status == 0);
  CHECK(mentions(resumed.text, "resumed from part.safetensors after 1 epoch and 0 samples"));
  CHECK(here.bytes("part.safetensors") == here.bytes("straight.safetensors"));
  CHECK_FALSE(here.bytes("straight.safetensors").empty());

  CHECK(mentions(here.run("evaluate straight.safetensors --data .").text, "misclassified of 40"));
  const auto prediction = here.run("predict --weights straight.safetensors --data . --index 3");
  CHECK(prediction.status == 0);
  CHECK(mentions(prediction.text, "(labelled 3)"));
  CHECK(mentions(here.run("predict --weights straight.safetensors --data . --index 40").text, "beyond the last of 40 images"));
  CHECK(mentions(here.run("evaluate straight.safetensors --data . --model classic").text, "tensor"));
}

TEST_CASE("lenet5 on another backend goes on with what this one left, or says why there is none") {
  const workplace here;
  CHECK(mentions(here.run("train --data . --backend abacus").text, "eigen,thrust,cuda"));
  const auto start = here.run("train --data . --epochs 1 --model softmax --output t.safetensors");
  REQUIRE(start.status == 0);
  for (const std::string backend : {"thrust", "cuda"}) {
    CAPTURE(backend);
    const std::string to_go_on = " --data . --model softmax --backend " + backend;
    const auto more = here.run("train --epochs 2 --resume t.safetensors --output " + backend + ".safetensors" + to_go_on);
    if (more.status == 0) {
      CHECK(mentions(more.text, "epoch 2/2"));
      // The test results are independent of the backend that evaluates the trained weights.
      const auto there = here.run("evaluate " + backend + ".safetensors" + to_go_on);
      CHECK(there.status == 0);
      CHECK(there.text == here.run("evaluate " + backend + ".safetensors --data . --model softmax").text);
    } else {
      CHECK(more.status == 1);
      CHECK((mentions(more.text, "built without the backend '" + backend + "'") || mentions(more.text, "there is no CUDA device")));
    }
  }
}

TEST_CASE("lenet5 refuses to go on with what another training left") {
  const workplace here;
  REQUIRE(here.run("train --data . --epochs 1 --threads 1 --seed 7 --output a.safetensors").status == 0);
  const std::string before = here.bytes("a.safetensors");
  const auto model = here.run("train --data . --epochs 2 --threads 1 --model classic --resume a.safetensors");
  CHECK(model.status == 1);
  CHECK(mentions(model.text, "lenet5: a.safetensors: "));
  const auto seed = here.run("train --data . --epochs 2 --threads 1 --seed 8 --resume a.safetensors");
  CHECK(seed.status == 1);
  CHECK(mentions(seed.text, "trained with --seed 7, not 8"));
  CHECK(here.bytes("a.safetensors") == before);
  const auto done = here.run("train --data . --epochs 1 --threads 1 --resume a.safetensors");
  CHECK(done.status == 0);
  CHECK(mentions(done.text, "nothing is left to do"));
  CHECK(here.bytes("a.safetensors") == before);
}

TEST_CASE("lenet5 reads an image file, or says why not") {
  const workplace here;
  REQUIRE(here.run("train --data . --epochs 1 --threads 1 --output a.safetensors").status == 0);
  // The image of --index 3 at twice its size: once with a dark background, once inverted.
  const std::string images = here.bytes("t10k-images-idx3-ubyte");
  std::string bright = "P5\n56 56\n255\n", dark = bright;
  for (std::size_t y = 0; y < 56; ++y)
    for (std::size_t x = 0; x < 56; ++x) {
      const char pixel = images[16 + 3 * 784 + y / 2 * 28 + x / 2];
      bright.push_back(pixel);
      dark.push_back(static_cast<char>(255 - static_cast<unsigned char>(pixel)));
    }
  std::ofstream{here.folder / "bright.pgm", std::ios::binary} << bright;
  std::ofstream{here.folder / "dark.pgm", std::ios::binary} << dark;
  std::ofstream{here.folder / "no.pgm"} << "no picture";
  const auto file = here.run("predict --weights a.safetensors bright.pgm");
  if (file.text.find("libstb-dev") != std::string::npos) {
    CHECK(file.status == 1);
    return;
  }
  CHECK(file.status == 0);
  // Compares all lines except the first, which also holds the label.
  const auto scores = [](const std::string& text) { return text.substr(text.find('\n')); };
  CHECK(scores(file.text) == scores(here.run("predict --weights a.safetensors --data . --index 3").text));
  CHECK(scores(file.text) == scores(here.run("predict --weights a.safetensors dark.pgm --invert").text));
  const auto none = here.run("predict --weights a.safetensors no.pgm");
  CHECK(none.status == 1);
  CHECK(mentions(none.text, "lenet5: no.pgm: not an image"));
  CHECK(here.run("predict --weights a.safetensors").status == 1);

  // Weights and image in any order.
  for (const std::string arguments : {"a.safetensors bright.pgm", "bright.pgm --weights a.safetensors"})
    CHECK(here.run("predict " + arguments).text == file.text);
  CHECK(mentions(here.run("predict a.safetensors").text, "predict needs weights and an image"));
  CHECK(mentions(here.run("predict a.safetensors bright.pgm dark.pgm").text, "was given another: 'dark.pgm'"));
  // An image that is inverted, or inverted in vain, is noticed.
  CHECK(mentions(here.run("predict a.safetensors dark.pgm").text, "dark.pgm looks dark on light, and the networks learn light on dark"));
  CHECK(mentions(here.run("predict a.safetensors bright.pgm --invert").text, "try it without --invert"));
  CHECK_FALSE(file.text.find("looks dark") != std::string::npos);
  // Messages say why a file is no image.
  here.put("cut.png",
           std::string{"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x1c\0\0\0\x1c\x08\0\0\0\0\0\0\0\0", 33} + std::string{"\0\0\1\0IDATx", 9});
  CHECK(mentions(here.run("predict a.safetensors cut.png").text, "cut.png: not an image that can be read: Corrupt PNG"));
  CHECK(mentions(here.run("predict a.safetensors gone.png").text, "gone.png: cannot be read: No such file or directory\n"));
  CHECK(mentions(here.run("predict a.safetensors .").text, ".: cannot be read: it is no regular file"));
}

TEST_CASE("lenet5 train replaces no earlier result unless it is told to") {
  const workplace here;
  const std::string train = "train --data . --threads 1 --epochs ", file = "runs/softmax-mnist-seed42.safetensors";
  REQUIRE(here.softmax(train + "2").status == 0);
  const std::string before = here.bytes(file);
  const auto again = here.softmax(train + "1");
  CHECK(again.status == 0);
  CHECK(mentions(again.text, file + " stays; this training is written to runs/softmax-mnist-seed42-2.safetensors\n"));
  CHECK(mentions(again.text, "checkpoint: runs/softmax-mnist-seed42-2.safetensors\n"));
  const auto refused = here.softmax(train + "1 --output " + file);
  CHECK(refused.status == 1);
  CHECK(mentions(refused.text, file + ": exists, and may hold a finished training; --resume " + file + " goes on with it"));
  CHECK(here.bytes(file) == before);
  CHECK(here.softmax(train + "1 --overwrite --output " + file).status == 0);
  CHECK(here.bytes(file) == here.bytes("runs/softmax-mnist-seed42-2.safetensors"));
  CHECK(here.softmax(train + "2 --output " + file + " --resume " + file).status == 0);
  CHECK(here.bytes(file) == before);

  // What cannot be done is found before anything is printed or written.
  here.put("no_folder", "");
  for (const std::string arguments : {"--data nowhere", "--data . --output no_folder/x", "--data . --log no_folder/x"}) {
    const auto found = here.softmax("train " + arguments);
    CHECK(found.status == 1);
    CHECK(found.text.starts_with("lenet5: no"));
    CHECK_FALSE(fs::exists(here.folder / "runs/softmax-mnist-seed42-3.safetensors"));
  }
}

TEST_CASE("lenet5 train continues its log, and says if it cannot write it") {
  const workplace here;
  const std::string train = "train --data . --threads 1 --batch-size 1 --epochs ";
  CHECK(here.softmax(train + "2 --log straight.csv --output straight.safetensors").status == 0);
  CHECK(here.softmax(train + "1 --log part.csv --output part.safetensors").status == 0);
  const auto refused = here.softmax(train + "1 --log part.csv --output other.safetensors");
  CHECK(refused.status == 1);
  CHECK(mentions(refused.text, "part.csv: exists; "));
  std::ofstream{here.folder / "part.csv", std::ios::app} << "150,9,9\n200,";  // of a training that was killed
  CHECK(here.softmax(train + "2 --log part.csv --resume part.safetensors").status == 0);
  CHECK(here.bytes("part.csv") == here.bytes("straight.csv"));
  CHECK(here.bytes("part.safetensors") == here.bytes("straight.safetensors"));
  if (fs::exists("/dev/full")) {
    const auto full = here.softmax(train + "1 --log /dev/full");
    CHECK(full.status == 1);
    CHECK(mentions(full.text, "/dev/full: the log cannot be written: No space left on device"));
    CHECK(mentions(here.softmax("models >/dev/full").text, "the output could not be written"));
    CHECK(here.softmax("models >/dev/full").status == 1);
  }
}

TEST_CASE("lenet5 train ends where the loss or the weights stop being numbers") {
  const workplace here;
  const std::string train = "train --data . --threads 1 --batch-size 10 --epochs ";
  const auto diverged = here.softmax(train + "3 --learning-rate 1e30");
  CHECK(diverged.status == 1);
  CHECK(mentions(diverged.text, "training has diverged"));
  CHECK(mentions(diverged.text, "Earlier checkpoints stay as they were"));
  CHECK(mentions(diverged.text, "--allow-non-finite"));
  CHECK(fs::is_empty(here.folder / "runs"));

  REQUIRE(here.softmax(train + "1 --output a.safetensors").status == 0);
  const std::string before = here.bytes("a.safetensors");
  CHECK(here.softmax(train + "3 --learning-rate 1e30 --resume a.safetensors").status == 1);
  CHECK(here.bytes("a.safetensors") == before);
  CHECK(here.softmax(train + "3 --learning-rate 1e30 --allow-non-finite --resume a.safetensors").status == 0);

  const auto resumed = here.softmax(train + "4 --resume a.safetensors");
  CHECK(resumed.status == 1);
  CHECK(mentions(resumed.text, "holds numbers that are not finite, from which no training recovers"));
  for (const std::string command : {"evaluate a.safetensors", "predict --weights a.safetensors --index 1"}) {
    const auto used = here.softmax(command + " --data .");
    CHECK(used.status == 0);
    CHECK(mentions(used.text, "lenet5: warning: a.safetensors: '"));
  }
}

TEST_CASE("lenet5 says what would be right") {
  const workplace here;
  const auto says = [&](const std::string& arguments, int status, const std::string& text) {
    CAPTURE(arguments);
    const auto refused = here.softmax(arguments);
    CHECK(refused.status == status);
    CHECK(mentions(refused.text, "lenet5: " + text));
  };
  says("", 2, "a command is missing; there are: train, evaluate, predict, reproduce, plot, models");
  says("trian", 2, "there is no command 'trian' (did you mean 'train'?); there are: train, ");
  says("train --epoch=3", 2, "The following argument was not expected: --epoch=3 (did you mean '--epochs'?)");
  says("train --model sofmax --data .", 1, "there is no model 'sofmax' (did you mean 'softmax'?); there are: modern, ");
  says("train --epochs -1", 2, "--epochs: must be 1 or more, got -1\n");
  says("train --batch-size 0", 2, "--batch-size: must be 1 or more, got 0\n");
  says("train --epochs x", 2, "--epochs: 'x' is no whole number\n");
  says("train --epochs 99999999999", 2, "--epochs: must be 2147483647 or less, got 99999999999\n");
  says("train --seed -1", 2, "--seed: must be 0 or more, got -1\n");
  says("train --learning-rate fast", 2, "--learning-rate: 'fast' is no number\n");
  says("train --learning-rate nan", 2, "--learning-rate: must be a finite number of 0 or more, got nan\n");
  for (const std::string threads : {"100000", "2147483647"}) says("train --threads " + threads, 2, "--threads: must be ");
  says("train --batch-size 2000000000 --data .", 1, "--batch-size 2000000000 needs ");
  says("predict", 1, "predict needs weights, and an image file or --index N");
  CHECK(mentions(here.shell("ulimit -v 300000; '" TYPENET_LENET5_SOFTMAX "' train --data . --batch-size 1000000").text, "; at most "));
  REQUIRE(here.softmax("train --data . --threads 1 --epochs 1 --output a.safetensors").status == 0);
  CHECK(here.softmax("evaluate --weights a.safetensors --data .").text == here.softmax("evaluate a.safetensors --data .").text);
}

TEST_CASE("the exit status of a lenet5 that was stopped says by which signal") {
  const workplace here;
  int number = 0;
  for (const auto& [signal, status] : {std::pair{"INT", 130}, std::pair{"TERM", 143}, std::pair{"HUP", 129}}) {
    CAPTURE(signal);
    const std::string file = std::to_string(++number) + ".safetensors";
    const auto stopped = here.softmax("train --data . --epochs 100000 --threads 1 --log " + file + ".csv --output " + file +
                                      " & pid=$!; while [ ! -e " + file + " ]; do sleep 0.01; done; kill -" + signal + " $pid; wait $pid");
    CHECK(stopped.status == status);
    CHECK(mentions(stopped.text, " --log " + file + ".csv --data . --resume " + file + "\n"));
    CHECK(here.softmax("evaluate --data . " + file).status == 0);
  }
  // A reader of the output that ends is a reason to stop, too; `nohup` is one to go on.
  const auto unread = here.shell("{ '" TYPENET_LENET5_SOFTMAX
                                 "' train --data . --epochs 100000 --threads 1 --output p.safetensors; "
                                 "echo $? >status; } | head -n 30 >read");
  CHECK(here.bytes("status") == "141\n");
  CHECK(here.softmax("evaluate --data . p.safetensors").status == 0);
  const auto ignored = here.shell("trap '' HUP; '" TYPENET_LENET5_SOFTMAX
                                  "' train --data . --epochs 20 --threads 1 --output h.safetensors "
                                  "& pid=$!; while [ ! -e h.safetensors ]; do sleep 0.01; done; kill -HUP $pid; wait $pid");
  CHECK(ignored.status == 0);
}

TEST_CASE("an interrupted lenet5 saves where it stands and says how to go on, to the same end") {
  const workplace here;
  const std::string train = "train --data . --epochs 30 --batch-size 7 --threads 1 --learning-rate 0.0012345 --output ";
  const auto straight = here.run(train + "straight.safetensors");
  REQUIRE(straight.status == 0);
  // Interrupts the training long before the end.
  const auto stopped =
      here.run(train + "\"it's.safetensors\" >out & pid=$!; while ! grep -q 'epoch 2/' out && kill -0 $pid; do sleep 0.01; done; " +
               "kill -INT $pid; wait $pid; status=$?; cat out; exit $status");
  CHECK(stopped.status == 130);
  CHECK_FALSE(here.bytes("it's.safetensors") == here.bytes("straight.safetensors"));
  // The printed command resumes the training.
  REQUIRE(mentions(stopped.text, "to go on as if it had not been:\n  "));
  const std::size_t start = stopped.text.find("\n  ", stopped.text.find("stopped;")) + 3;
  const auto resumed = here.shell(stopped.text.substr(start, stopped.text.find('\n', start) - start));
  CHECK(resumed.status == 0);
  CHECK(mentions(resumed.text, "resumed from it's.safetensors after "));
  CHECK(here.bytes("it's.safetensors") == here.bytes("straight.safetensors"));
}

#else

TEST_CASE("lenet5" * doctest::skip()) { FAIL("not built: it needs CLI11"); }

#endif
