// SPDX-License-Identifier: MIT
// Checkpoints: training resumes with equal bits. A file that does not fit is rejected and changes nothing.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include <typenet/io.hpp>
#include <typenet/typenet.hpp>

namespace tn = typenet;

namespace {

using classifier = tn::network<tn::input<1, 6, 6>, tn::named<"conv1", tn::conv2d<4, 3>>, tn::batch_norm<>, tn::relu, tn::flatten,
                               tn::dropout<0.2>, tn::linear<3>>;
using wider = tn::network<tn::input<1, 6, 6>, tn::named<"conv1", tn::conv2d<5, 3>>, tn::batch_norm<>, tn::relu, tn::flatten,
                          tn::dropout<0.2>, tn::linear<3>>;
using data_set = tn::tensor_dataset<tn::shape{1, 6, 6}, 3>;

data_set stripes(int count) {
  std::vector<float> images;
  std::vector<int> labels;
  tn::random_sequence random{tn::counter_rng{tn::seed{1}, tn::random_stream::user}, 0, 0};
  for (int i = 0; i < count; ++i) {
    labels.push_back(i % 3);
    for (int p = 0; p < 36; ++p) images.push_back((p % 6 / 2 == i % 3 ? 1.0f : 0.0f) + random.uniform(-0.5f, 0.5f));
  }
  return data_set{std::move(images), std::move(labels)};
}

/// A folder for one test. The destructor removes it.
struct scratch_folder {
  scratch_folder()
      : path{std::filesystem::temp_directory_path() / ("typenet-checkpoint-" + std::to_string(reinterpret_cast<std::uintptr_t>(this)))} {
    std::filesystem::create_directories(path);
  }
  ~scratch_folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

template <class Model>
std::vector<float> bits(const Model& model) {
  std::vector<float> all(model.parameter_array().span().begin(), model.parameter_array().span().end());
  all.insert(all.end(), model.buffer_array().span().begin(), model.buffer_array().span().end());
  return all;
}

std::string refusal(const auto& action) {
  try {
    action();
  } catch (const tn::file_error& e) {
    return e.what();
  }
  return "accepted";
}

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const tn::error& e) {
    return e.what();
  }
  return {};
}

bool mentions(const std::string& text, std::string_view part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE(text);
  return found;
}

template <class Optimizer>
void check_resuming(const Optimizer& optimizer, bool keep_best) {
  const scratch_folder folder;
  const auto file = folder.path / "c.safetensors";
  const auto data = stripes(50);
  const tn::fit_options options{.epochs = 4, .batch_size = 8, .threads = 1, .validation_split = 0.2, .keep_best = keep_best};
  tn::model<classifier> straight{tn::seed{9}};
  tn::fit(straight, data, tn::cross_entropy{}, optimizer, options);

  int steps = 0;
  auto interrupted = options;
  interrupted.on_step = [&](const tn::step_report&) { return ++steps == 13 ? tn::control::stop : tn::control::proceed; };
  {
    tn::model<classifier> model{tn::seed{9}};
    tn::trainer trainer{model, tn::cross_entropy{}, optimizer, interrupted};
    CHECK(trainer.fit(data).stopped);
    tn::save_checkpoint(file, trainer);
  }
  // A resumed training gets every number from the file, whatever the seed of its model.
  tn::model<classifier> model{tn::seed{1234}};
  tn::trainer trainer{model, tn::cross_entropy{}, optimizer, options};
  tn::load_checkpoint(file, trainer);
  CHECK(trainer.progress().updates == 13);
  CHECK_FALSE(trainer.fit(data).stopped);
  CHECK(bits(model) == bits(straight));
}

}  // namespace

TEST_CASE("training resumed gives the same bits as never having stopped") {
  SUBCASE("adam") { check_resuming(tn::adam{.learning_rate = 1e-2}, false); }
  SUBCASE("sgd") { check_resuming(tn::sgd{.learning_rate = 1e-2, .momentum = 0.9}, false); }
  SUBCASE("rmsprop") { check_resuming(tn::rmsprop{.learning_rate = 1e-3, .momentum = 0.5, .centered = true}, false); }
  SUBCASE("and with the best epoch kept") { check_resuming(tn::adam{.learning_rate = 5e-2}, true); }
}

TEST_CASE("counters that no training reaches are refused, and change nothing") {
  const scratch_folder folder;
  const auto file = folder.path / "c.safetensors";
  const auto data = stripes(50);
  tn::model<classifier> model{tn::seed{9}};
  tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{}, tn::fit_options{.batch_size = 8, .threads = 1}};
  trainer.fit(data);
  const auto before = bits(model);
  const auto refused = [&](const tn::training_progress& progress, const char* what) {
    tn::trainer other{model, tn::cross_entropy{}, tn::adam{}, tn::fit_options{.batch_size = 8, .threads = 1}};
    other.resume_from(progress, tn::seed{9});
    tn::save_checkpoint(file, other);
    CHECK(mentions(message_of([&] { tn::load_checkpoint(file, trainer); }), what));
    CHECK(trainer.progress().epoch == 1);
    CHECK(bits(model) == before);
  };
  constexpr tn::index most = std::numeric_limits<tn::index>::max();
  refused({.updates = most}, "it says that 9223372036854775807 is the number of updates; expected 0 to 9007199254740992");
  refused({.updates = -1}, "-1 is the number of updates");
  refused({.epoch = std::numeric_limits<int>::max()}, "2147483647 is the number of epochs; expected 0 to 2147483646");
  refused({.position = -8}, "-8 is the position in the epoch");
  refused({.position = most}, "is the position in the epoch");
  refused({.position = 8, .correct = 9}, "9 is the number of correct samples; expected 0 to 8");
  refused({.position = 8, .samples = -1}, "-1 is the number of samples");
}

TEST_CASE("a checkpoint inside an epoch knows the size of its data set") {
  const scratch_folder folder;
  const auto file = folder.path / "c.safetensors";
  tn::model<classifier> model{tn::seed{9}};
  tn::fit_options options{.epochs = 2, .batch_size = 8, .threads = 1};
  options.on_step = [](const tn::step_report& r) { return r.samples == 40 ? tn::control::stop : tn::control::proceed; };
  tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{}, options};
  CHECK(trainer.fit(stripes(50)).stopped);
  tn::save_checkpoint(file, trainer);
  for (const int count : {30, 49, 51}) {
    CAPTURE(count);
    tn::trainer resumed{model, tn::cross_entropy{}, tn::adam{}, tn::fit_options{.epochs = 2, .batch_size = 8, .threads = 1}};
    tn::load_checkpoint(file, resumed);
    CHECK(resumed.progress().samples == 50);
    CHECK_THROWS_AS(resumed.fit(stripes(count)), tn::argument_error);
  }
}

TEST_CASE("weights that are not finite are loaded, and named") {
  const scratch_folder folder;
  tn::model<classifier> model{tn::seed{9}}, loaded;
  auto first = model.parameter(classifier::parameters[0].name.view());
  first[0] = std::numeric_limits<float>::quiet_NaN();
  tn::save_weights(folder.path / "w.safetensors", model);
  tn::load_weights(folder.path / "w.safetensors", loaded);
  CHECK(loaded.first_non_finite() == classifier::parameters[0].name.view());
}

TEST_CASE("weights are named, shaped and typed as in PyTorch") {
  const scratch_folder folder;
  const auto file = folder.path / "w.safetensors";
  tn::model<classifier> model{tn::seed{9}};
  tn::fit(model, stripes(24), tn::cross_entropy{}, tn::adam{}, {.batch_size = 8, .threads = 1});
  tn::save_weights(file, model);
  tn::safetensors_reader in{file};
  CHECK(in.tensors().size() == 9);
  CHECK(in.at("conv1.weight").extents == std::vector<std::uint64_t>{4, 1, 3, 3});
  CHECK(in.at("5.weight").extents == std::vector<std::uint64_t>{3, 64});
  CHECK(in.at("1.num_batches_tracked").type == tn::tensor_type::i64);
  CHECK(in.at("1.num_batches_tracked").extents.empty());
  CHECK(in.read<std::int64_t>("1.num_batches_tracked") == std::vector<std::int64_t>{3});
  tn::model<classifier> other{tn::seed{10}};
  tn::load_weights(file, other);
  CHECK(bits(other) == bits(model));
  tn::model<classifier, tn::eigen_backend<double>> precise;
  tn::load_weights(file, precise);
  CHECK(static_cast<float>(precise.parameter("5.weight")[7]) == model.parameter("5.weight")[7]);
}

TEST_CASE("a file of another network is refused by its first difference, and nothing changes") {
  const scratch_folder folder;
  const auto file = folder.path / "c.safetensors";
  const auto data = stripes(24);
  tn::model<classifier> model{tn::seed{9}};
  tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{}, tn::fit_options{.batch_size = 8, .threads = 1}};
  trainer.fit(data);
  tn::save_checkpoint(file, trainer);

  tn::model<wider> other{tn::seed{1}};
  const auto before = bits(other);
  CHECK(mentions(refusal([&] { tn::load_weights(file, other); }), "tensor 'conv1.weight' is of shape [4, 1, 3, 3], expected [5, 1, 3, 3]"));
  CHECK(bits(other) == before);

  tn::model<classifier> same;
  tn::trainer by_sgd{same, tn::cross_entropy{}, tn::sgd{}, tn::fit_options{.threads = 1}};
  CHECK(mentions(refusal([&] { tn::load_checkpoint(file, by_sgd); }), "saved while training with adam, not sgd"));
  tn::save_weights(folder.path / "w.safetensors", model);
  CHECK(mentions(refusal([&] { tn::load_checkpoint(folder.path / "w.safetensors", trainer); }), "holds weights alone"));
  CHECK(mentions(refusal([&] { tn::load_weights(folder.path / "none.safetensors", model); }), "no such file"));
  // load_weights accepts a checkpoint and reads the weights in it.
  tn::load_weights(file, same);
  CHECK(bits(same) == bits(model));
}

TEST_CASE("a checkpoint cut anywhere, or with a bit of its header turned, is refused and changes nothing") {
  const scratch_folder folder;
  const auto file = folder.path / "c.safetensors";
  tn::model<classifier> model{tn::seed{9}};
  tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{}, tn::fit_options{.batch_size = 8, .threads = 1}};
  trainer.fit(stripes(24));
  tn::save_checkpoint(file, trainer);
  std::ifstream in{file, std::ios::binary};
  const std::string whole{std::istreambuf_iterator<char>{in}, {}};
  std::uint64_t header = 0;
  for (int i = 7; i >= 0; --i) header = header << 8 | static_cast<unsigned char>(whole[static_cast<std::size_t>(i)]);

  const auto damaged = folder.path / "damaged.safetensors";
  const auto load = [&](const std::string& content) {
    std::ofstream{damaged, std::ios::binary}.write(content.data(), static_cast<std::streamsize>(content.size()));
    return refusal([&] { tn::load_checkpoint(damaged, trainer); });
  };
  const auto before = bits(model);
  tn::random_sequence random{tn::counter_rng{tn::seed{1}, tn::random_stream::user}, 0, 0};
  for (std::size_t length = 0; length < 8 + header; ++length) REQUIRE(load(whole.substr(0, length)) != "accepted");
  for (int i = 0; i < 200; ++i) REQUIRE(load(whole.substr(0, random.below(static_cast<std::uint32_t>(whole.size())))) != "accepted");
  CHECK(bits(model) == before);
  // A flipped bit in free text leaves a valid file. Loading must then neither crash nor load a part.
  for (std::size_t at = 0; at < 8 + header; ++at) {
    std::string turned = whole;
    turned[at] = static_cast<char>(turned[at] ^ (1 << random.below(8)));
    load(turned);
  }
  CHECK(load(whole) == "accepted");
  CHECK(bits(model) == before);
}
