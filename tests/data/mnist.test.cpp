// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <typenet/data.hpp>

#include "read_view.hpp"
#include "scratch.hpp"

namespace tn = typenet;
using scratch::bytes;
using scratch::operator+;

namespace {

static_assert(tn::byte_image_dataset<tn::mnist_dataset> && tn::resident_dataset<tn::mnist_dataset>);
static_assert(tn::mnist_dataset::sample_shape == tn::shape{1, 28, 28} && tn::mnist_dataset::classes == 10);

bytes images(std::uint32_t count, std::uint32_t height = 28, std::uint32_t width = 28) {
  bytes pixels(std::size_t{count} * height * width);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i % 251);
  return scratch::idx_header(8, {count, height, width}) + pixels;
}

bytes labels(const bytes& values) { return scratch::idx_header(8, {static_cast<std::uint32_t>(values.size())}) + values; }

std::string message(const auto& load) {
  try {
    load();
  } catch (const tn::file_error& e) {
    return e.what();
  }
  return "nothing thrown";
}

std::string train_message(const scratch::folder& folder) {
  return message([&] { (void)tn::load_mnist(tn::mnist_split::train, folder.path()); });
}

}  // namespace

TEST_CASE("MNIST loads from either spelling, plain or compressed") {
  for (const std::string separator : {"-", "."}) {
    for (const bool zipped : {false, true}) {
      const scratch::folder folder;
      const auto write = [&](const std::string& name, const bytes& content) {
        folder.write(zipped ? name + ".gz" : name, zipped ? scratch::gzip(content) : content);
      };
      write("train-images" + separator + "idx3-ubyte", images(3));
      write("train-labels" + separator + "idx1-ubyte", labels({9, 0, 4}));
      write("t10k-images" + separator + "idx3-ubyte", images(1));
      write("t10k-labels" + separator + "idx1-ubyte", labels({5}));
      const tn::mnist_dataset train = tn::load_mnist(tn::mnist_split::train, folder.path());
      CHECK(train.size() == 3);
      CHECK(train.label(0) == 9);
      CHECK(train.label(2) == 4);
      CHECK(train.bytes(1)[0] == 784 % 251);
      check_view(train);
      const tn::mnist_dataset test = tn::load_fashion_mnist(tn::mnist_split::test, folder.path());
      CHECK(test.size() == 1);
      CHECK(test.label(0) == 5);
    }
  }
}

TEST_CASE("MNIST files that do not fit each other are refused") {
  const scratch::folder folder;
  const std::string images_name = (folder.path() / "train-images-idx3-ubyte").string();
  const std::string labels_name = (folder.path() / "train-labels-idx1-ubyte").string();
  CHECK(train_message(folder) ==
        folder.path().string() +
            ": looked for train-images-idx3-ubyte, plain or .gz, and found none; run examples/get-data.sh mnist, or "
            "name a folder that holds the files");
  folder.write("train-images-idx3-ubyte", images(3));
  CHECK(train_message(folder).find("looked for train-labels-idx1-ubyte") != std::string::npos);
  folder.write("train-labels-idx1-ubyte", labels({1, 2}));
  CHECK(train_message(folder) == labels_name + ": expected a label for each of the 3 images in train-images-idx3-ubyte, found 2 values");
  folder.write("train-labels-idx1-ubyte", labels({1, 2, 10}));
  CHECK(train_message(folder) == labels_name + ": label 10 of sample 2 is not a class; expected 0 to 9");
  folder.write("train-labels-idx1-ubyte", images(3));
  CHECK(train_message(folder).ends_with("found 3 images of 28x28"));
  folder.write("train-labels-idx1-ubyte", labels({1, 2, 3}));
  CHECK(train_message(folder) == "nothing thrown");
  folder.write("train-images-idx3-ubyte", images(3, 14, 14));
  CHECK(train_message(folder) == images_name + ": expected images of 28x28, found 3 images of 14x14");
  folder.write("train-images-idx3-ubyte", labels({1, 2, 3}));
  CHECK(train_message(folder) == images_name + ": expected images of 28x28, found 3 values");
  folder.write("train-images-idx3-ubyte", images(0));
  CHECK(train_message(folder) == images_name + ": expected images of 28x28, found 0 images of 28x28");
}

TEST_CASE("headers are compared before anything is decompressed") {
  const scratch::folder folder;
  // A header that claims 200,000 images, without the images.
  folder.write("t10k-images-idx3-ubyte.gz", scratch::gzip(scratch::idx_header(8, {200'000, 28, 28})));
  folder.write("t10k-labels-idx1-ubyte.gz", scratch::gzip(scratch::idx_header(8, {1}) + scratch::bytes{7}));
  CHECK_THROWS_WITH_AS((void)tn::load_mnist(tn::mnist_split::test, folder.path()),
                       doctest::Contains("expected a label for each of the 200000 images"), tn::file_error);
}

TEST_CASE("the folder of a data set follows TYPENET_DATA, then XDG_CACHE_HOME, then HOME") {
  const scratch::variable home{"HOME", "/home/someone"};
  {
    const scratch::variable data{"TYPENET_DATA", nullptr}, cache{"XDG_CACHE_HOME", nullptr};
    CHECK(tn::data_folder() == "/home/someone/.cache/typenet");
  }
  {
    const scratch::variable data{"TYPENET_DATA", ""}, cache{"XDG_CACHE_HOME", "/var/cache"};
    CHECK(tn::data_folder() == "/var/cache/typenet");
  }
  {
    const scratch::variable data{"TYPENET_DATA", nullptr}, cache{"XDG_CACHE_HOME", "not/absolute"};
    CHECK(tn::data_folder() == "/home/someone/.cache/typenet");
  }
  {
    const scratch::variable none{"HOME", nullptr}, data{"TYPENET_DATA", nullptr}, cache{"XDG_CACHE_HOME", nullptr};
    CHECK(tn::data_folder().empty());
    CHECK(message([] { (void)tn::load_mnist(tn::mnist_split::train); }) ==
          "mnist: no folder given, and none of TYPENET_DATA, XDG_CACHE_HOME and HOME is set");
  }
  const scratch::folder folder;
  const scratch::variable data{"TYPENET_DATA", folder.path().c_str()};
  CHECK(message([] {
          (void)tn::load_fashion_mnist(tn::mnist_split::test);
        }).starts_with((folder.path() / "fashion-mnist").string() + ": looked for t10k-images"));
  folder.write("fashion-mnist/t10k-images-idx3-ubyte", images(2));
  folder.write("fashion-mnist/t10k-labels-idx1-ubyte", labels({1, 2}));
  CHECK(tn::load_fashion_mnist(tn::mnist_split::test).size() == 2);
}

TEST_CASE("the real test digits, where they have been fetched") {
  const std::filesystem::path folder = tn::data_folder() / "mnist";
  if (!std::filesystem::exists(folder / "t10k-images-idx3-ubyte")) {
    MESSAGE("skipped: " << folder.string() << " does not hold MNIST; examples/get-data.sh fetches it");
    return;
  }
  const tn::mnist_dataset test = tn::load_mnist(tn::mnist_split::test);
  CHECK(test.size() == 10'000);
  std::array<int, 10> count{};
  double sum = 0;
  for (tn::index i = 0; i < test.size(); ++i) {
    ++count[static_cast<std::size_t>(test.label(i))];
    for (const std::uint8_t level : test.bytes(i)) sum += level;
  }
  CHECK(count == std::array<int, 10>{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009});
  CHECK(sum / (10'000 * 784 * 255.0) == doctest::Approx(0.1325).epsilon(0.001));
  CHECK(test.label(0) == 7);
  CHECK(tn::mnist_class_names[7] == "7");

  const auto [most, few] = tn::stratified_split(test, 100, tn::seed{42});
  const auto set = tn::transformed(few, tn::resize<32, 32>{}, tn::normalize{0.1307f, 0.3081f});
  CHECK(set.size() == 100);
  CHECK(most.size() == 9'900);
}
