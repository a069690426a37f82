// SPDX-License-Identifier: MIT
#include "seeds.hpp"

#include <fstream>
#include <iterator>
#include <utility>

#include "../../examples/lenet5/results.hpp"
#include "fuzz.hpp"

#if defined(TYPENET_HAS_STB)
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif
#include <stb/stb_image_write.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
#endif

namespace fuzz {
namespace {

using scratch::operator+;

bytes content(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void add_weights(std::vector<seed>& all) {
  const auto file = folder().path() / "seed";
  model trained{tn::seed{1}};
  tn::save_weights(file, trained);
  all.push_back({"weights", "drawn", content(file)});
  tn::model<network, tn::eigen_backend<double>> precise{tn::seed{1}};
  tn::save_weights(file, precise);
  all.push_back({"weights", "double", content(file)});

  trainer training{trained, {}, {}, training_options()};
  tn::save_checkpoint(file, training);
  all.push_back({"checkpoint", "fresh", content(file)});
  auto options = training_options();
  int steps = 0;
  options.on_step = [&](const tn::step_report&) { return ++steps == 3 ? tn::control::stop : tn::control::proceed; };
  trainer stopped{trained, {}, {}, options};
  stopped.fit(samples());
  tn::save_checkpoint(file, stopped);
  all.push_back({"checkpoint", "within_an_epoch", content(file)});
  all.push_back({"weights", "checkpoint", content(file)});
  training.fit(samples());
  tn::save_checkpoint(file, training);
  all.push_back({"checkpoint", "complete", content(file)});
}

void add_idx(std::vector<seed>& all) {
  const auto add = [&](const std::string& name, const bytes& file) {
    all.push_back({"idx", name, file});
    all.push_back({"idx", name + ".gz", scratch::gzip(file)});
  };
  add("images", scratch::idx_header(0x08, {2, 3, 2}) + bytes{0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255});
  add("labels", scratch::idx_header(0x08, {3}) + bytes{1, 0, 9});
  add("signed", scratch::idx_header(0x09, {2}) + bytes{1, 255});
  add("short", scratch::idx_header(0x0B, {1, 2}) + bytes{1, 2, 255, 254});
  add("int", scratch::idx_header(0x0C, {1}) + bytes{1, 2, 3, 4});
  add("float", scratch::idx_header(0x0D, {1}) + bytes{0x3f, 0xc0, 0, 0});
  add("double", scratch::idx_header(0x0E, {1}) + bytes{0x3f, 0xf8, 0, 0, 0, 0, 0, 0});
  add("empty", scratch::idx_header(0x08, {0, 28, 28}));
  all.push_back({"idx", "two_streams.gz", scratch::gzip(scratch::idx_header(0x08, {3})) + scratch::gzip({7, 8, 9})});

  const bytes images = scratch::idx_header(0x08, {2, 28, 28}) + bytes(2 * 784, 100), labels = scratch::idx_header(0x08, {2}) + bytes{3, 9};
  const auto both = [&](const std::string& name, const bytes& first, const bytes& second) {
    const bytes length{static_cast<std::uint8_t>(first.size()), static_cast<std::uint8_t>(first.size() >> 8)};
    all.push_back({"mnist", name, length + first + second});
  };
  both("plain", images, labels);
  both("compressed", scratch::gzip(images), scratch::gzip(labels));
  both("mixed", scratch::gzip(images), labels);
}

void add_results(std::vector<seed>& all) {
  lenet5::run_record run{.row = "modern", .seed = 42, .build = "typenet 0.1.0, g++"};
  run.loss = {2.25, 0.125};
  run.training_accuracy = {0.5, 0.75};
  run.test_accuracy = {0.5, 1};
  run.labels = "0123";
  run.predictions = "0129";
  run.training_count = 4;
  lenet5::save(folder().path(), run);
  all.push_back({"results", "all_images.json", content(lenet5::record_path(folder().path(), run.row, run.seed))});
  run.row = "lecun1989";
  run.quick = true;
  run.images = {0, 7, 9999, 4};
  lenet5::save(folder().path(), run);
  all.push_back({"results", "some_images.json", content(lenet5::record_path(folder().path(), run.row, run.seed))});
}

#if defined(TYPENET_HAS_STB)
void add_images(std::vector<seed>& all) {
  // [row][column][channel]
  bytes pixels(12 * 9 * 4);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * i % 251);
  bytes file;
  const auto receive = [](void* to, void* from, int size) {
    const auto* const begin = static_cast<const std::uint8_t*>(from);
    static_cast<bytes*>(to)->insert(static_cast<bytes*>(to)->end(), begin, begin + size);
  };
  const auto add = [&](const std::string& name, int written) {
    demand(written != 0, "stb writes the seed");
    all.push_back({"image", name, std::exchange(file, {})});
  };
  for (const int channels : {1, 3, 4}) {
    const std::string name = std::to_string(channels);
    add(name + ".png", stbi_write_png_to_func(receive, &file, 12, 9, channels, pixels.data(), 12 * channels));
    add(name + ".bmp", stbi_write_bmp_to_func(receive, &file, 12, 9, channels, pixels.data()));
  }
}
#endif

}  // namespace

std::vector<seed> seeds() {
  std::vector<seed> all;
  add_weights(all);
  add_idx(all);
  add_results(all);
#if defined(TYPENET_HAS_STB)
  add_images(all);
#endif
  return all;
}

}  // namespace fuzz
