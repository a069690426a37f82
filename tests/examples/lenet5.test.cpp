// SPDX-License-Identifier: MIT
// The program `lenet5`, run as its user runs it, on a tiny data set made here.
#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <typenet/random.hpp>

namespace {

namespace fs = std::filesystem;

void write_idx(const fs::path& file, std::initializer_list<int> extents, const std::string& values) {
  std::ofstream out{file, std::ios::binary};
  out.put(0).put(0).put(8).put(static_cast<char>(extents.size()));
  for (const int e : extents)
    for (int shift = 24; shift >= 0; shift -= 8) out.put(static_cast<char>(e >> shift & 255));
  out.write(values.data(), static_cast<std::streamsize>(values.size()));
}

/// A folder with a data set of bright bars, gone with its test.
struct workplace {
  workplace() : folder{fs::temp_directory_path() / ("typenet-lenet5-" + std::to_string(reinterpret_cast<std::uintptr_t>(this)))} {
    fs::create_directories(folder);
    write("train", 100);
    write("t10k", 40);
  }
  ~workplace() { fs::remove_all(folder); }

  void write(const std::string& stem, int count) const {
    typenet::random_sequence random{typenet::counter_rng{typenet::seed{1}, typenet::random_stream::user}, 0, 0};
    std::string images, labels;
    for (int i = 0; i < count; ++i) {
      labels.push_back(static_cast<char>(i % 10));
      for (int p = 0; p < 784; ++p) images.push_back(static_cast<char>((p / 28) / 3 == i % 10 ? 200 + random.below(50) : random.below(50)));
    }
    write_idx(folder / (stem + "-images-idx3-ubyte"), {count, 28, 28}, images);
    write_idx(folder / (stem + "-labels-idx1-ubyte"), {count}, labels);
  }

  struct outcome {
    int status;
    std::string text;
  };
  [[nodiscard]] outcome run(const std::string& arguments) const {
    const std::string command = std::string{"cd '"} + folder.string() + "' && '" TYPENET_LENET5 "' " + arguments + " 2>&1";
    std::FILE* const pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    outcome result{0, {}};
    std::array<char, 4096> buffer;
    while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) result.text.append(buffer.data(), n);
    const int status = pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
  }
  [[nodiscard]] std::string bytes(const std::string& file) const {
    std::ifstream in{folder / file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  fs::path folder;
};

bool mentions(const std::string& text, std::string_view part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE(text);
  return found;
}

}  // namespace

TEST_CASE("lenet5 lists its models and says what it takes") {
  const workplace here;
  const auto models = here.run("models");
  CHECK(models.status == 0);
  CHECK(mentions(models.text, "modern"));
  CHECK(mentions(models.text, "61740"));
  const auto help = here.run("train --help");
  CHECK(help.status == 0);
  for (const char* option :
       {"--model", "--dataset", "--epochs", "--batch-size", "--seed", "--threads", "--learning-rate", "--data", "--output", "--resume"})
    CHECK(mentions(help.text, option));
}

TEST_CASE("lenet5 refuses what it cannot do, with what it can") {
  const workplace here;
  const auto model = here.run("train --model resnet --data .");
  CHECK(model.status == 1);
  CHECK(mentions(model.text, "lenet5: there is no model 'resnet'; there are: modern, classic"));
  CHECK(here.run("train --dataset imagenet").status != 0);
  CHECK(here.run("train --epochs 0 --data .").status != 0);
  CHECK(here.run("").status != 0);
  const auto data = here.run("train --data nowhere");
  CHECK(data.status == 1);
  CHECK(mentions(data.text, "nowhere"));
  CHECK(here.run("predict --weights none.safetensors --index 1").status == 1);
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
  CHECK(mentions(resumed.text, "resumed from part.safetensors after 1 epochs"));
  CHECK(here.bytes("part.safetensors") == here.bytes("straight.safetensors"));
  CHECK_FALSE(here.bytes("straight.safetensors").empty());

  CHECK(mentions(here.run("evaluate straight.safetensors --data .").text, "misclassified of 40"));
  const auto prediction = here.run("predict --weights straight.safetensors --data . --index 3");
  CHECK(prediction.status == 0);
  CHECK(mentions(prediction.text, "(labelled 3)"));
  CHECK(mentions(here.run("predict --weights straight.safetensors --data . --index 40").text, "beyond the last of 40 images"));
  CHECK(mentions(here.run("evaluate straight.safetensors --data . --model classic").text, "tensor"));
}

TEST_CASE("an interrupted lenet5 saves where it stands and says how to go on") {
  const workplace here;
  // Long enough not to end by itself.
  const auto stopped =
      here.run("train --data . --epochs 100000 --threads 1 --output c.safetensors & pid=$!; sleep 2; kill -INT $pid; wait $pid");
  CHECK(stopped.status == 130);
  CHECK(mentions(stopped.text, "--resume c.safetensors"));
  CHECK_FALSE(here.bytes("c.safetensors").empty());
}
