// SPDX-License-Identifier: MIT
// Tests models on the Thrust backend: predictions, evaluation, named parameters, copies, and error messages.
#include <doctest/doctest.h>

#include <array>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "support.hpp"

#include "penalties.hpp"

namespace tn = typenet;
using namespace on_thrust;

namespace {

/// Copies the parameters and buffers of one model to another.
template <class From, class To>
void give_numbers(const From& from, To& to) {
  to.parameter_array().copy_from(copy_of(from.parameter_array()));
  to.buffer_array().copy_from(copy_of(from.buffer_array()));
}

template <class Scalar>
void check_predictions() {
  constexpr int outputs = classifier::output_shape.size();
  constexpr tn::index most = 2500;
  tn::model<classifier, tn::thrust_backend<Scalar>> here{tn::seed{3}};
  tn::model<classifier, tn::eigen_backend<Scalar>> there{tn::seed{3}};
  // Trains first, so that the running statistics of batch norm differ from their initial values.
  tn::fit(here, bars(64, 1), tn::cross_entropy{}, tn::adam{}, {});
  give_numbers(here, there);
  const auto samples = rows_of<Scalar>(bars(most, 2));
  std::vector<Scalar> expected(most * outputs), all(most * outputs);
  there.predict(samples, expected, most);
  here.predict(samples, all, most);
  CHECK(distance(all, expected) < (sizeof(Scalar) == 8 ? 1e-12 : 1e-5));
  // Batch sizes around the warp size and around the batch size of inference. The outputs of a sample are independent of the other samples.
  for (const tn::index count : {tn::index{1}, tn::index{31}, tn::index{32}, tn::index{33}, tn::index{1024}, tn::index{1025}}) {
    CAPTURE(count);
    std::vector<Scalar> answers(static_cast<std::size_t>(count * outputs));
    here.predict(std::span<const Scalar>{samples}.first(static_cast<std::size_t>(count * 64)), answers, count);
    CHECK(same_bits(answers, std::vector<Scalar>(all.begin(), all.begin() + count * outputs)));
  }
  for (const std::size_t i : {std::size_t{0}, std::size_t{31}, std::size_t{2499}}) {
    const auto one = here.predict(std::span<const Scalar>{samples}.subspan(i * 64, 64));
    CHECK(same_bits(
        std::vector<Scalar>(one.begin(), one.end()),
        std::vector<Scalar>(all.begin() + static_cast<tn::index>(i) * outputs, all.begin() + static_cast<tn::index>(i + 1) * outputs)));
  }
}

void check_same(const tn::report& a, const tn::report& b, double most) {
  CHECK(a.accuracy == b.accuracy);
  CHECK(a.count == b.count);
  CHECK(a.misclassified == b.misclassified);
  CHECK(a.confusion == b.confusion);
  CHECK(a.ranks == b.ranks);
  CHECK(a.predicted == b.predicted);
  CHECK(a.top_k(2) == b.top_k(2));
  CHECK(a.macro.f1 == b.macro.f1);
  CHECK(a.weighted.precision == b.weighted.precision);
  REQUIRE(a.classes.size() == b.classes.size());
  for (std::size_t c = 0; c < a.classes.size(); ++c) {
    CHECK(a.classes[c].support == b.classes[c].support);
    CHECK(a.classes[c].recall == b.classes[c].recall);
  }
  if (std::isnan(b.loss))
    CHECK(std::isnan(a.loss));
  else
    CHECK(distance(a.loss, b.loss) < most);
}

template <class Scalar, class Data>
void check_evaluation(const Data& training, const Data& test) {
  tn::model<classifier, tn::thrust_backend<Scalar>> here{tn::seed{3}};
  tn::model<classifier, tn::eigen_backend<Scalar>> there{tn::seed{3}};
  // Evaluates before and after training, so that all ranks occur.
  for (const int epochs : {0, 2}) {
    CAPTURE(epochs);
    tn::fit(here, training, tn::cross_entropy{}, tn::adam{.learning_rate = 3e-3}, {.epochs = epochs});
    give_numbers(here, there);
    const auto expected = tn::evaluate(there, test, tn::cross_entropy{});
    CHECK(expected.count == test.size());
    CHECK(expected.misclassified > 0);
    check_same(tn::evaluate(here, test, tn::cross_entropy{}), expected, 1e-6);
    check_same(tn::evaluate(here, test, tn::mse{}), tn::evaluate(there, test, tn::mse{}), 1e-6);
    check_same(tn::evaluate(here, test), tn::evaluate(there, test), 1e-6);
  }
}

template <class Data>
void check_evaluation_everywhere(const Data& training, const Data& test) {
  check_evaluation<float>(training, test);
  check_evaluation<double>(training, test);
}

/// Compares the parameters and buffers by name. A template, because nvcc cannot spell the type of `parameters` outside one.
template <class Here, class There>
void check_named_numbers(const Here& here, const There& there) {
  using net = typename Here::network;
  for (const auto& info : net::parameters) {
    const auto expected = there.parameter(info.name.view());
    CHECK(here.parameter(info.name.view()) == std::vector<float>(expected.begin(), expected.end()));
  }
  for (const auto& info : net::buffers) {
    const auto expected = there.buffer(info.name.view());
    CHECK(here.buffer(info.name.view()) == std::vector<float>(expected.begin(), expected.end()));
  }
}

/// A data set with an unreadable sample.
struct broken {
  static constexpr tn::shape sample_shape{1, 8, 8};
  static constexpr int classes = 4;
  [[nodiscard]] tn::index size() const { return 100; }
  void read(tn::index i, const tn::sample_key&, std::span<float> out) const {
    if (i == 37) throw tn::file_error("sample 37 is gone");
    std::fill(out.begin(), out.end(), 0.0f);
  }
  [[nodiscard]] int label(tn::index) const { return 0; }
};

/// Returns the message of the error that an action throws.
template <class Error, class Action>
std::string refusal(const Action& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("the lowest output is the class, as on the CPU") {
  SUBCASE("float") { penalties::check<tn::thrust_backend<float>>(); }
  SUBCASE("double") { penalties::check<tn::thrust_backend<double>>(); }
}

TEST_CASE("a model predicts one sample, many, and any number, as on the CPU") {
  SUBCASE("float") { check_predictions<float>(); }
  SUBCASE("double") { check_predictions<double>(); }
}

TEST_CASE("an evaluation finds what it finds on the CPU") {
  SUBCASE("fewer samples than a warp has") { check_evaluation_everywhere(bars(64, 1), bars(21, 2)); }
  SUBCASE("more than a pass serves") { check_evaluation_everywhere(bars(64, 1), bars(2100, 2)); }
  SUBCASE("of images, which are then not augmented") { check_evaluation_everywhere(turned_bars(64, 1), turned_bars(150, 2)); }
  SUBCASE("of a user's data set with a view") { check_evaluation_everywhere(made_up{64}, made_up{1100}); }
  SUBCASE("of one that only the host can read") { check_evaluation_everywhere(host_only{bars(64, 1)}, host_only{bars(1100, 2)}); }
}

TEST_CASE("a device's parameters are read as copies, and written by name") {
  using model_type = tn::model<classifier, tn::gpu>;
  // A const copy: writing to it would have no effect on the model.
  static_assert(std::is_same_v<decltype(std::declval<model_type&>().parameter("0.weight")), const std::vector<float>>);
  static_assert(std::is_same_v<decltype(std::declval<const model_type&>().parameter("0.weight")), const std::vector<float>>);
  static_assert(std::is_same_v<decltype(std::declval<model_type&>().buffer("1.running_mean")), const std::vector<float>>);
  static_assert(!tn::gpu::host_memory);

  model_type model{tn::seed{3}};
  tn::model<classifier, tn::cpu> there{tn::seed{3}};
  check_named_numbers(model, there);

  const auto weight = numbers<float>(54, 1);
  const auto mean = numbers<float>(6, 2);
  const auto bias_before = model.parameter("0.bias");
  model.set_parameter("0.weight", weight);
  model.set_buffer("1.running_mean", mean);
  CHECK(model.parameter("0.weight") == weight);
  CHECK(model.buffer("1.running_mean") == mean);
  CHECK(model.parameter("0.bias") == bias_before);
  there.set_parameter("0.weight", weight);
  there.set_buffer("1.running_mean", mean);
  CHECK(same_bits(learned(model), learned(there)));
}

TEST_CASE("an initialisation scheme can be had on a device for the network, and for one layer") {
  tn::model<classifier, tn::gpu> model{tn::seed{3}, {.weight = tn::init::constant(0.5), .bias = tn::init::zeros()}};
  CHECK(model.parameter("0.weight")[0] == 0.5f);
  model.initialize({.weight = tn::init::constant(2), .bias = tn::init::constant(1)}, "8");
  CHECK(model.parameter("8.weight")[3] == 2.0f);
  CHECK(model.parameter("8.bias")[3] == 1.0f);
  CHECK(model.parameter("0.weight")[0] == 0.5f);
}

TEST_CASE("copies of a model are independent") {
  const auto data = bars(64, 1);
  const auto image = rows_of<float>(bars(1, 2));
  tn::model<classifier, tn::gpu> model{tn::seed{3}};
  auto copy = model;
  CHECK(same_bits(learned(copy), learned(model)));
  const auto before = learned(model);
  const auto answer = model.predict(image);
  CHECK(copy.predict(image) == answer);
  tn::fit(copy, data, tn::cross_entropy{}, tn::adam{}, {});
  CHECK_FALSE(same_bits(learned(copy), before));
  CHECK(same_bits(learned(model), before));
  CHECK(model.predict(image) == answer);

  const auto trained = learned(copy);
  model = copy;
  CHECK(same_bits(learned(model), trained));
  CHECK(model.predict(image) == copy.predict(image));
  model.set_parameter("8.bias", std::vector<float>{1, 2, 3, 4});
  CHECK(same_bits(learned(copy), trained));

  auto moved = std::move(copy);
  CHECK(same_bits(learned(moved), trained));
  copy = model;  // a moved-from model accepts an assignment
  CHECK(same_bits(learned(copy), learned(model)));
  CHECK(copy.predict(image) == model.predict(image));
}

TEST_CASE("a trainer and its steps outlive a fit, and two trainers do not meet") {
  const auto data = bars(64, 1);
  const auto images = rows_of<float>(bars(20, 2));
  const std::vector<int> labels(20, 1);
  const auto steps = [&](auto& trainer) {
    std::vector<double> losses;
    for (int i = 0; i < 3; ++i) losses.push_back(trainer.step(std::span<const float>{images}, std::span<const int>{labels}));
    return losses;
  };
  tn::model<classifier, tn::gpu> a{tn::seed{3}}, b{tn::seed{3}};
  tn::trainer first{a, tn::cross_entropy{}, tn::adam{}, tn::fit_options{}};
  tn::trainer second{b, tn::cross_entropy{}, tn::adam{}, tn::fit_options{}};
  first.fit(data);
  const auto alone = steps(first);
  second.fit(data);
  CHECK(steps(second) == alone);
  CHECK(alone[2] < alone[0]);
  CHECK(same_bits(learned(a), learned(b)));
}

TEST_CASE("what cannot be is refused on a device with what would be right") {
  const auto data = bars(10, 1);
  tn::model<classifier, tn::gpu> model{tn::seed{3}};
  const auto before = learned(model);
  const auto fit = [&](const tn::fit_options& options) { tn::fit(model, data, tn::cross_entropy{}, tn::adam{}, options); };
  CHECK_THROWS_WITH_AS(fit({.batch_size = 0}), "fit: batch_size must be at least 1, got 0", tn::argument_error);
  CHECK_THROWS_WITH_AS(fit({.epochs = -1}), "fit: epochs must not be negative, got -1", tn::argument_error);
  CHECK_THROWS_AS(fit({.threads = -1}), tn::argument_error);
  CHECK_THROWS_AS(fit({.validation_split = 1.0}), tn::argument_error);
  CHECK_THROWS_AS(fit({.validation_split = 0.01}), tn::argument_error);
  CHECK_THROWS_WITH_AS(tn::fit(model, bars_set{{}, {}}, tn::cross_entropy{}, tn::adam{}), "fit: the data set is empty", tn::argument_error);
  CHECK_THROWS_AS(tn::fit(model, data, tn::cross_entropy{}, tn::adam{.learning_rate = -1}), tn::argument_error);

  const std::string there_are =
      "there are 0.weight 0.bias 1.weight 1.bias 6.weight 6.bias 8.weight 8.bias 1.running_mean 1.running_var 1.num_batches_tracked";
  CHECK(refusal<tn::argument_error>([&] { static_cast<void>(model.parameter("0.wieght")); }) ==
        "no parameter is named '0.wieght'; " + there_are);
  CHECK(refusal<tn::argument_error>([&] { static_cast<void>(model.buffer("0.weight")); }) == "no buffer is named '0.weight'; " + there_are);
  const std::vector<float> seven(7);
  CHECK(refusal<tn::argument_error>([&] { model.set_parameter("0.wieght", seven); }) == "no parameter is named '0.wieght'; " + there_are);
  CHECK(refusal<tn::argument_error>([&] { model.set_buffer("1.mean", seven); }) == "no buffer is named '1.mean'; " + there_are);
  CHECK_THROWS_WITH_AS(model.set_parameter("0.weight", seven), "0.weight has 54 numbers, got 7", tn::argument_error);
  CHECK_THROWS_WITH_AS(model.set_buffer("1.running_var", seven), "1.running_var has 6 numbers, got 7", tn::argument_error);
  CHECK_THROWS_AS(model.initialize({}, "nothing"), tn::argument_error);
  CHECK(same_bits(learned(model), before));

  const std::vector<float> image(64), images(3 * 64);
  std::vector<float> answers(12);
  CHECK_THROWS_WITH_AS(model.predict(std::span<const float>{image}.first(63)), "predict: expected 64 numbers of samples (1 x 64), got 63",
                       tn::argument_error);
  CHECK_THROWS_WITH_AS(model.predict(images, answers, 2), "predict: expected 128 numbers of samples (2 x 64), got 192", tn::argument_error);
  CHECK_THROWS_WITH_AS(model.predict(images, std::span{answers}.first(11), 3), "predict: expected 12 numbers of answers (3 x 4), got 11",
                       tn::argument_error);
  CHECK_THROWS_AS(model.predict(images, answers, 0), tn::argument_error);

  tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{}, tn::fit_options{.batch_size = 2}};
  const auto step = [&](const std::vector<float>& samples, const std::vector<int>& labels) {
    trainer.step(std::span<const float>{samples}, std::span<const int>{labels});
  };
  CHECK_THROWS_WITH_AS(step(image, {4}), "step: label 4 is not one of the 4 classes 0 to 3", tn::argument_error);
  CHECK_THROWS_WITH_AS(step(image, {-1}), "step: label -1 is not one of the 4 classes 0 to 3", tn::argument_error);
  const std::string wanted = "step: expected 1 to 2 samples of 64 numbers and a target for each, got ";
  CHECK(refusal<tn::argument_error>([&] { step(images, {0, 1, 2}); }) == wanted + "192 numbers and 3 targets");
  CHECK(refusal<tn::argument_error>([&] { step(image, {0, 1}); }) == wanted + "64 numbers and 2 targets");
  CHECK(refusal<tn::argument_error>([&] { step({}, {}); }) == wanted + "0 numbers and 0 targets");
  CHECK(same_bits(learned(model), before));
  CHECK(trainer.progress().updates == 0);
}

TEST_CASE("what a data set throws reaches the caller, and the model goes on") {
  tn::model<classifier, tn::gpu> model{tn::seed{3}};
  CHECK_THROWS_WITH_AS(tn::fit(model, broken{}, tn::cross_entropy{}, tn::adam{}, {.batch_size = 8}), "sample 37 is gone", tn::file_error);
  CHECK_THROWS_WITH_AS(static_cast<void>(tn::evaluate(model, broken{})), "sample 37 is gone", tn::file_error);
  CHECK(tn::fit(model, bars(40, 1), tn::cross_entropy{}, tn::adam{}, {}).epochs.size() == 1);
  CHECK(std::isfinite(tn::evaluate(model, bars(40, 1), tn::cross_entropy{}).loss));
}

TEST_CASE("a device says what it is") {
  CHECK_FALSE(tn::gpu::device_name().empty());
  CHECK(tn::gpu::device_name() == tn::thrust_backend<double>::device_name());
  CHECK(tn::gpu::max_threads() == 1);
}

TEST_CASE("memory of a backend starts at zero, is copied by value, and is aligned for packs") {
  tn::gpu::memory<float> memory{100};
  CHECK(copy_of(memory) == std::vector<float>(100));
  CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % 64 == 0);
  memory.copy_from(std::vector<float>{1, 2, 3}, 97);
  std::vector<float> last(4);
  memory.copy_to(last, 96);
  CHECK(last == std::vector<float>{0, 1, 2, 3});
  auto copy = memory;
  copy.copy_from(std::vector<float>{9}, 99);
  memory.copy_to(last, 96);
  CHECK(last == std::vector<float>{0, 1, 2, 3});
  const float* const place = copy.data();
  copy = memory;
  CHECK(copy.data() == place);
  CHECK(copy_of(copy) == copy_of(memory));
  copy = tn::gpu::memory<float>{5};
  CHECK(copy.size() == 5);
  CHECK(copy_of(copy) == std::vector<float>(5));
  const tn::gpu::memory<float> nothing{0};
  CHECK(nothing.data() == nullptr);
  CHECK(copy_of(nothing).empty());
}
