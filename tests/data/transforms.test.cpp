// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <limits>
#include <map>
#include <numbers>
#include <numeric>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <typenet/data/image_dataset.hpp>
#include <typenet/data/subset.hpp>
#include <typenet/data/tensor_dataset.hpp>
#include <typenet/data/transforms.hpp>

#include "golden_folder.hpp"
#include "read_view.hpp"

namespace tn = typenet;

namespace {

using bytes = std::vector<std::uint8_t>;

constexpr tn::shape small{1, 28, 28};
constexpr tn::shape large{1, 32, 32};

/// One line of augmentation.txt.
struct golden_case {
  std::string kind;
  std::vector<double> parameters;
  bytes pixels;
};

std::vector<golden_case> golden_cases() {
  std::ifstream file{golden::folder() + "/augmentation.txt"};
  std::vector<golden_case> cases;
  for (std::string line; std::getline(file, line);) {
    std::istringstream in{line};
    golden_case c;
    in >> c.kind;
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) c.parameters.push_back(std::stod(words[i]));
    for (std::size_t i = 0; i < words.back().size(); i += 2)
      c.pixels.push_back(static_cast<std::uint8_t>(std::stoi(words.back().substr(i, 2), nullptr, 16)));
    cases.push_back(std::move(c));
  }
  return cases;
}

template <int Height, int Width>
bytes resized(const bytes& in) {
  bytes out(std::size_t{Height} * Width);
  tn::resize<Height, Width>::template apply<small>(in.data(), out.data());
  return out;
}

template <int Height, int Width>
bytes interpolated(const bytes& in) {
  bytes out(std::size_t{Height} * Width);
  tn::resize<Height, Width, tn::antialias<false>>::template apply<small>(in.data(), out.data());
  return out;
}

template <tn::shape S = large>
bytes distorted(const bytes& in, const tn::detail::distortion& by, int fill = 0) {
  bytes out(static_cast<std::size_t>(S.size()));
  tn::detail::distort<S>(in.data(), by, fill, out.data());
  return out;
}

template <tn::shape S = large>
bytes rotated(const bytes& in, float degrees) {
  bytes out(static_cast<std::size_t>(S.size()));
  tn::detail::rotate<S>(in.data(), degrees, out.data());
  return out;
}

template <class Change>
bytes changed(const bytes& in, const Change& change) {
  tn::augmented_image<large> image{in.data()};
  change(image);
  const std::uint8_t* out = image.pixels();
  return {out, out + large.size()};
}

bytes noise(std::size_t count, std::uint32_t which) {
  tn::random_sequence random{tn::counter_rng{tn::seed{11}, tn::random_stream::user}, 0, which};
  bytes out(count);
  for (auto& level : out) level = static_cast<std::uint8_t>(random.below(256));
  return out;
}

// A reference implementation of the transforms: it tests the bounds at every pixel and uses neither tables nor padding.
namespace oracle {

bytes rotate(const bytes& in, int height, int width, double degrees) {
  const double angle = -degrees * std::numbers::pi / 180;
  const double c = std::cos(angle), s = std::sin(angle);
  const auto fix = [](double v) { return static_cast<long long>(std::floor(v * 65536 + 0.5)); };
  const double x0 = c * (-width / 2.0) + s * (-height / 2.0) + width / 2.0;
  const double y0 = -s * (-width / 2.0) + c * (-height / 2.0) + height / 2.0;
  bytes out(in.size());
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const long long from_x = (fix(x0 + c * 0.5 + s * 0.5) + y * fix(s) + x * fix(c)) >> 16;
      const long long from_y = (fix(y0 - s * 0.5 + c * 0.5) + y * fix(c) + x * fix(-s)) >> 16;
      if (from_x >= 0 && from_x < width && from_y >= 0 && from_y < height)
        out[static_cast<std::size_t>(y * width + x)] = in[static_cast<std::size_t>(from_y * width + from_x)];
    }
  }
  return out;
}

std::uint8_t blend(int base, int level, float factor) {
  volatile float step = factor * static_cast<float>(level - base);  // volatile: the product is rounded before the addition
  const float value = static_cast<float>(base) + step;
  return value <= 0 ? std::uint8_t{0} : value >= 255 ? std::uint8_t{255} : static_cast<std::uint8_t>(value);
}

bytes brightness(bytes image, float factor) {
  for (auto& level : image) level = blend(0, level, factor);
  return image;
}

bytes contrast(bytes image, float factor) {
  const double mean = std::accumulate(image.begin(), image.end(), 0.0) / static_cast<double>(image.size());
  for (auto& level : image) level = blend(static_cast<int>(mean + 0.5), level, factor);
  return image;
}

}  // namespace oracle

tn::image_dataset<small, 10> some_images(int count) {
  std::vector<int> labels;
  for (int i = 0; i < count; ++i) labels.push_back(i % 10);
  return {noise(static_cast<std::size_t>(count * small.size()), 1), labels};
}

const tn::random_rotation turn{15};
const tn::color_jitter jitter{.brightness = 0.2f, .contrast = 0.2f};
const tn::normalize mnist_scale{0.1307f, 0.3081f};

bool equal(const auto& a, const auto& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

template <class Set>
std::vector<float> read(const Set& set, tn::index i, const tn::sample_key& key) {
  return read_sample(set, i, key);
}

}  // namespace

TEST_CASE("resize, rotation, brightness and contrast are Pillow's to the last bit") {
  const std::vector<golden_case> cases = golden_cases();
  REQUIRE_MESSAGE(!cases.empty(), "tests/golden/augmentation.txt is missing; augmentation.py writes it");
  bytes image, enlarged;
  std::map<std::string, int> seen;
  for (const golden_case& c : cases) {
    ++seen[c.kind];
    CAPTURE(c.kind);
    CAPTURE(c.parameters.size() > 0 ? c.parameters[0] : 0.0);
    CAPTURE(c.parameters.size() > 1 ? c.parameters[1] : 0.0);
    if (c.kind == "image") {
      image = c.pixels;
    } else if (c.kind == "resize") {
      const auto size = std::pair{static_cast<int>(c.parameters[0]), static_cast<int>(c.parameters[1])};
      if (size == std::pair{32, 32}) {
        enlarged = c.pixels;
        CHECK(resized<32, 32>(image) == c.pixels);
      } else if (size == std::pair{16, 16}) {
        CHECK(resized<16, 16>(image) == c.pixels);
      } else if (size == std::pair{41, 20}) {
        CHECK(resized<41, 20>(image) == c.pixels);
      } else if (size == std::pair{33, 28}) {
        CHECK(resized<33, 28>(image) == c.pixels);
      } else {
        REQUIRE(size == std::pair{28, 9});
        CHECK(resized<28, 9>(image) == c.pixels);
      }
    } else if (c.kind == "rotate") {
      CHECK(rotated(enlarged, static_cast<float>(c.parameters[0])) == c.pixels);
    } else if (c.kind == "brightness_contrast" || c.kind == "contrast_brightness") {
      const bool brightness_first = c.kind == "brightness_contrast";
      const auto bright = static_cast<float>(c.parameters[0]), strong = static_cast<float>(c.parameters[1]);
      CHECK(changed(enlarged, [&](auto& in) {
              if (brightness_first) tn::detail::adjust_brightness(in, bright);
              tn::detail::adjust_contrast(in, strong);
              if (!brightness_first) tn::detail::adjust_brightness(in, bright);
            }) == c.pixels);
    }
  }
  CHECK(seen["rotate"] == 20);
  CHECK(seen["resize"] == 10);
  CHECK(seen["brightness_contrast"] == 16);
}

TEST_CASE("interpolation without antialiasing is PyTorch's, ties to even") {
  bytes image;
  int seen = 0;
  for (const golden_case& c : golden_cases()) {
    if (c.kind == "image") image = c.pixels;
    if (c.kind != "interpolate") continue;
    ++seen;
    const auto size = std::pair{static_cast<int>(c.parameters[0]), static_cast<int>(c.parameters[1])};
    if (size == std::pair{16, 16}) {
      CHECK(interpolated<16, 16>(image) == c.pixels);
    } else if (size == std::pair{20, 17}) {
      CHECK(interpolated<20, 17>(image) == c.pixels);
    } else if (size == std::pair{41, 9}) {
      CHECK(interpolated<41, 9>(image) == c.pixels);
    } else {
      REQUIRE(size == std::pair{32, 32});
      CHECK(interpolated<32, 32>(image) == c.pixels);
    }
  }
  CHECK(seen == 8);
  CHECK(interpolated<28, 28>(image) == image);
  CHECK(interpolated<16, 16>(image) != resized<16, 16>(image));

  // Means of two levels: 0.5, 1.5 and 2.5. They round to even.
  using halved = tn::resize<1, 3, tn::antialias<false>>;
  const bytes pairs{0, 1, 1, 2, 2, 3};
  bytes means(3);
  halved::apply<tn::shape{1, 1, 6}>(pairs.data(), means.data());
  CHECK(means == bytes{0, 2, 2});
  const auto set = tn::transformed(some_images(2), tn::resize<16, 16, tn::antialias<false>>{});
  static_assert(decltype(set)::sample_shape == tn::shape{1, 16, 16});
}

TEST_CASE("affine distortions are PyTorch's to a level") {
  bytes enlarged;
  int seen = 0;
  for (const golden_case& c : golden_cases()) {
    if (c.kind == "resize" && c.parameters[0] == 32) enlarged = c.pixels;
    if (c.kind != "affine") continue;
    ++seen;
    CAPTURE(seen);
    const auto p = [&](std::size_t i) { return static_cast<float>(c.parameters[i]); };
    const bytes out = distorted(enlarged, {.degrees = p(0), .right = p(1), .down = p(2), .scale = p(3), .squeeze = p(4), .shear = p(5)},
                                static_cast<int>(p(6)));
    int differ = 0, most = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const int distance = std::abs(int{out[i]} - int{c.pixels[i]});
      differ += distance != 0;
      most = std::max(most, distance);
    }
    CHECK(most <= 1);
    CHECK(differ <= 5);  // of 1024 pixels: source positions are rounded to 1/2048 of a pixel
    if (p(0) == 0 && p(3) == 1 && p(4) == 1 && p(5) == 0) CHECK(differ == 0);
  }
  CHECK(seen == 18);
}

TEST_CASE("an affine distortion by nothing changes nothing, by whole pixels it shifts, and far away there is background") {
  constexpr tn::shape wide{2, 3, 4};
  const bytes in{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
  CHECK(distorted<wide>(in, {}) == in);
  CHECK(distorted<wide>(in, {}, 99) == in);
  CHECK(distorted<wide>(in, {.right = 1, .down = -1}, 99) ==
        bytes{99, 5, 6, 7, 99, 9, 10, 11, 99, 99, 99, 99, 99, 25, 26, 27, 99, 29, 30, 31, 99, 99, 99, 99});
  CHECK(distorted<wide>(in, {.right = -0.5f}, 0) ==
        bytes{2, 2, 4, 2, 6, 6, 8, 4, 10, 10, 12, 6, 22, 22, 24, 12, 26, 26, 28, 14, 30, 30, 32, 16});  // halves round to even
  CHECK(distorted<wide>(in, {.degrees = 180}) ==
        bytes{12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21});
  for (const float away : {-65536.0f, -4.0f, 4.0f, 65536.0f}) CHECK(distorted<wide>(in, {.right = away}, 7) == bytes(in.size(), 7));
  for (const float away : {-65536.0f, 65536.0f})
    CHECK(distorted<wide>(in, {.degrees = 45, .down = away, .scale = 0.1f, .squeeze = 0.1f, .shear = 80}, 7) == bytes(in.size(), 7));
  // The first distortion halves the width and doubles the height. The second doubles the width and halves the height.
  const bytes line{0, 0, 0, 0, 0, 8, 8, 0, 0, 8, 8, 0, 0, 0, 0, 0};
  constexpr tn::shape square{1, 4, 4};
  CHECK(distorted<square>(line, {.squeeze = 0.5f}) == bytes{0, 3, 3, 0, 0, 4, 4, 0, 0, 4, 4, 0, 0, 3, 3, 0});
  CHECK(distorted<square>(line, {.squeeze = 2}) == bytes{0, 0, 0, 0, 3, 4, 4, 3, 3, 4, 4, 3, 0, 0, 0, 0});
}

TEST_CASE("random_affine draws each distortion uniformly around none") {
  const auto images = some_images(3);
  const tn::random_affine distort{.degrees = 10, .translate = 2, .scale = 0.1f, .squeeze = 0.2f, .shear = 15, .fill = 30};
  const auto set = tn::transformed(images, distort);
  for (tn::index i = 0; i < images.size(); ++i) {
    for (const std::uint32_t epoch : {0u, 7u}) {
      tn::random_sequence random{tn::counter_rng{tn::seed{5}, tn::random_stream::augmentation}, epoch, static_cast<std::uint32_t>(i)};
      tn::detail::distortion by;
      by.degrees = random.uniform(-10, 10);
      by.right = random.uniform(-2, 2);
      by.down = random.uniform(-2, 2);
      by.scale = random.uniform(0.9f, 1.1f);
      by.squeeze = random.uniform(0.8f, 1.2f);
      by.shear = random.uniform(-15, 15);
      const bytes expected = distorted<small>({images.bytes(i).begin(), images.bytes(i).end()}, by, 30);
      const auto sample = read(set, i, {.seed = tn::seed{5}, .epoch = epoch});
      int different = 0;
      for (std::size_t p = 0; p < sample.size(); ++p) different += sample[p] != static_cast<float>(expected[p]) / 255.0f;
      CHECK(different == 0);
    }
  }
  CHECK(read(tn::transformed(images, tn::random_affine{}), 1, {}) == read(images, 1, {}));
}

TEST_CASE("rotation agrees with a test for every pixel, at any angle and size") {
  const auto check = [](auto tag, std::uint32_t which) {
    constexpr tn::shape s = decltype(tag)::value;
    const bytes in = noise(static_cast<std::size_t>(s.size()), which);
    for (float degrees = -180; degrees <= 180; degrees += 3.3671875f) {
      CAPTURE(degrees);
      CHECK(rotated<s>(in, degrees) == oracle::rotate(in, s.height(), s.width(), degrees));
    }
  };
  check(std::integral_constant<tn::shape, large>{}, 1);
  check(std::integral_constant<tn::shape, tn::shape{1, 1, 1}>{}, 2);
  check(std::integral_constant<tn::shape, tn::shape{1, 5, 64}>{}, 3);
  check(std::integral_constant<tn::shape, tn::shape{1, 33, 6}>{}, 4);
  check(std::integral_constant<tn::shape, tn::shape{1, 256, 256}>{}, 5);
}

TEST_CASE("rotation turns every channel, and counter-clockwise") {
  constexpr tn::shape two{2, 3, 3};
  const bytes in{0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0};
  CHECK(rotated<two>(in, 90) == bytes{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("a roll moves whole rows and columns, and what leaves comes in on the other side") {
  constexpr tn::shape two{2, 2, 3};
  const bytes in{1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16};
  const auto rolled = [&](int down, int right) {
    bytes out(in.size());
    tn::detail::roll<two>(in.data(), down, right, out.data());
    return out;
  };
  // Expected values of torch.roll(x, (down, right), (1, 2)).
  CHECK(rolled(0, 0) == in);
  CHECK(rolled(0, 1) == bytes{3, 1, 2, 6, 4, 5, 13, 11, 12, 16, 14, 15});
  CHECK(rolled(0, -1) == bytes{2, 3, 1, 5, 6, 4, 12, 13, 11, 15, 16, 14});
  CHECK(rolled(1, 0) == bytes{4, 5, 6, 1, 2, 3, 14, 15, 16, 11, 12, 13});
  CHECK(rolled(1, 1) == bytes{6, 4, 5, 3, 1, 2, 16, 14, 15, 13, 11, 12});
  CHECK(rolled(-5, -8) == rolled(1, 1));
}

TEST_CASE("random_roll shifts by every number of pixels it may, equally often") {
  constexpr int size = small.height();
  bytes stored(static_cast<std::size_t>(small.size()));
  stored[0] = 255;
  const auto set = tn::transformed(tn::image_dataset<small, 1>{stored, {0}}, tn::random_roll{1});
  std::map<std::pair<int, int>, int> times;
  constexpr int epochs = 1800;
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) {
    const auto sample = read(set, 0, {.seed = tn::seed{1}, .epoch = epoch});
    REQUIRE(std::count(sample.begin(), sample.end(), 0.0f) == small.size() - 1);
    const auto at = static_cast<int>(std::find(sample.begin(), sample.end(), 1.0f) - sample.begin());
    ++times[{(at / size + 1) % size - 1, (at % size + 1) % size - 1}];
  }
  CHECK(times.size() == 9);
  for (const auto& [shift, count] : times) {
    CHECK(std::max(std::abs(shift.first), std::abs(shift.second)) <= 1);
    CHECK(std::abs(count - epochs / 9) < 70);  // limit: five standard deviations
  }
}

TEST_CASE("blending is float arithmetic, each step rounded, whatever the compiler may fuse") {
  tn::random_sequence random{tn::counter_rng{tn::seed{5}, tn::random_stream::user}, 0, 0};
  int different = 0;
  for (int i = 0; i < 200; ++i) {
    const float factor = random.uniform(0, 2);
    for (int base = 0; base < 256; base += 17) {
      for (int level = 0; level < 256; ++level) different += tn::detail::blend(base, level, factor) != oracle::blend(base, level, factor);
    }
  }
  CHECK(different == 0);
}

namespace own {

// A fixed transform with parameters: it crops a 2 x 3 image.
struct crop {
  static constexpr auto kind = tn::transform_kind::fixed;
  int top = 0, left = 0;

  static constexpr tn::shape output(tn::shape in) { return {in.channels(), 2, 3}; }
  template <tn::shape In>
  void apply(const std::uint8_t* in, std::uint8_t* out) const {
    for (int channel = 0; channel < In.channels(); ++channel)
      for (int y = 0; y < 2; ++y)
        for (int x = 0; x < 3; ++x) *out++ = in[(channel * In.height() + top + y) * In.width() + left + x];
  }
  void check() const {
    if (top < 0 || left < 0) throw tn::argument_error{"crop: the corner lies outside the image"};
  }
};

// A random transform that moves pixels.
struct random_horizontal_flip {
  static constexpr auto kind = tn::transform_kind::random;

  template <tn::shape In>
  TYPENET_HD void apply(tn::augmented_image<In>& image, tn::random_sequence& random) const {
    if (random.below(2) == 0) return;
    const std::uint8_t* in = image.pixels();
    std::uint8_t* out = image.back_buffer();
    for (int row = 0; row < In.channels() * In.height(); ++row, in += In.width(), out += In.width())
      for (int x = 0; x < In.width(); ++x) out[x] = in[In.width() - 1 - x];
    image.swap_buffers();
  }
  void check() const {}
};

// A random transform that maps gray levels.
struct random_invert {
  static constexpr auto kind = tn::transform_kind::random;

  template <tn::shape In>
  TYPENET_HD void apply(tn::augmented_image<In>& image, tn::random_sequence& random) const {
    if (random.below(2) == 1) image.map_levels([](int level) { return static_cast<std::uint8_t>(255 - level); });
  }
  void check() const {}
};

// A last transform.
struct threshold {
  static constexpr auto kind = tn::transform_kind::last;
  float at = 0.5f;

  [[nodiscard]] float apply(float level) const { return level < at ? -1.0f : 1.0f; }
  void check() const {}
};

static_assert(tn::transform<crop, small> && tn::transform<random_horizontal_flip, small> && tn::transform<random_invert, small>);
static_assert(tn::transform<threshold, small>);
static_assert(tn::transform<tn::resize<3, 4>, small> && tn::transform<tn::pad<30, 30>, small> && tn::transform<tn::normalize, small>);
static_assert(tn::transform<tn::random_rotation, small> && tn::transform<tn::random_affine, small>);
static_assert(tn::transform<tn::random_roll, small> && tn::transform<tn::color_jitter, small>);

struct without_kind : random_invert {
  void kind() const {}
};
struct without_check : random_invert {
  int check = 0;
};
struct without_output : crop {
  static constexpr int output = 0;
};
struct of_another_kind : threshold {
  static constexpr auto kind = tn::transform_kind::random;
};
struct of_vectors : random_invert {
  std::vector<int> more;
};
static_assert(!tn::transform<without_kind, small> && !tn::transform<without_check, small> && !tn::transform<without_output, small>);
static_assert(!tn::transform<of_another_kind, small> && !tn::transform<of_vectors, small>);
static_assert(!tn::transform<int, small> && !tn::transform<tn::shape, small>);

template <class... Transforms>
constexpr bool in_order = tn::detail::transforms_in_order<small, Transforms...>;
static_assert(in_order<> && in_order<crop, tn::pad<9, 9>, tn::random_roll, random_invert, threshold>);
static_assert(!in_order<tn::random_roll, crop> && !in_order<threshold, threshold> && !in_order<threshold, tn::random_roll>);

}  // namespace own

TEST_CASE("transforms of a user's own: fixed, random and last") {
  constexpr tn::shape two{2, 3, 4};
  const tn::image_dataset<two, 2> images{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32}, {1}};
  const auto cropped = tn::transformed(images, own::crop{.top = 1, .left = 1});
  static_assert(decltype(cropped)::sample_shape == tn::shape{2, 2, 3});
  CHECK(equal(cropped.bytes(0), bytes{6, 7, 8, 10, 11, 12, 26, 27, 28, 30, 31, 32}));
  CHECK_THROWS_WITH_AS((void)tn::transformed(images, own::crop{.top = -1, .left = 0}), "crop: the corner lies outside the image",
                       tn::argument_error);
  // A fixed transform between other transforms keeps its parameters.
  const auto padded = tn::transformed(images, tn::pad<5, 6>{}, own::crop{.top = 1, .left = 2}, tn::pad<2, 5>{});
  CHECK(equal(padded.bytes(0), bytes{0, 2, 3, 4, 0, 0, 6, 7, 8, 0, 0, 22, 23, 24, 0, 0, 26, 27, 28, 0}));

  const auto set = tn::transformed(images, own::crop{.top = 1, .left = 1}, own::random_horizontal_flip{}, own::random_invert{},
                                   own::random_horizontal_flip{}, own::threshold{.at = 7.5f / 255});
  check_view(set);
  int different = 0;
  for (std::uint32_t epoch = 0; epoch < 50; ++epoch) {
    tn::random_sequence random{tn::counter_rng{tn::seed{4}, tn::random_stream::augmentation}, epoch, 0};
    const bool first = random.below(2) == 1, invert = random.below(2) == 1, second = random.below(2) == 1;
    bytes expected{cropped.bytes(0).begin(), cropped.bytes(0).end()};
    if (first != second)
      for (int row = 0; row < 4; ++row)
        std::swap(expected[static_cast<std::size_t>(3 * row)], expected[static_cast<std::size_t>(3 * row + 2)]);
    const auto sample = read(set, 0, {.seed = tn::seed{4}, .epoch = epoch});
    for (std::size_t p = 0; p < sample.size(); ++p)
      different += sample[p] != ((invert ? 255 - expected[p] : int{expected[p]}) <= 7 ? -1.0f : 1.0f);
  }
  CHECK(different == 0);
}

TEST_CASE("the whole augmentation agrees with its parts done one after another") {
  const auto images = some_images(40);
  const auto set = tn::transformed(images, tn::resize<32, 32>{}, turn, jitter, mnist_scale);
  static_assert(tn::byte_image_dataset<decltype(set)>);
  static_assert(decltype(set)::sample_shape == large && decltype(set)::classes == 10);
  CHECK(set.size() == 40);

  int brightness_first_count = 0;
  for (tn::index i = 0; i < set.size(); ++i) {
    CHECK(set.label(i) == images.label(i));
    const bytes stored = resized<32, 32>({images.bytes(i).begin(), images.bytes(i).end()});
    CHECK(equal(set.bytes(i), stored));
    for (const std::uint32_t epoch : {0u, 1u, 59u}) {
      tn::random_sequence random{tn::counter_rng{tn::seed{42}, tn::random_stream::augmentation}, epoch, static_cast<std::uint32_t>(i)};
      const float degrees = random.uniform(-15, 15);
      const bool brightness_first = random.below(2) == 0;
      const float bright = random.uniform(0.8f, 1.2f), strong = random.uniform(0.8f, 1.2f);
      brightness_first_count += brightness_first;
      bytes expected = oracle::rotate(stored, 32, 32, degrees);
      expected = brightness_first ? oracle::contrast(oracle::brightness(expected, bright), strong)
                                  : oracle::brightness(oracle::contrast(expected, strong), bright);
      const std::vector<float> sample = read(set, i, {.seed = tn::seed{42}, .epoch = epoch});
      int different = 0;
      for (std::size_t p = 0; p < sample.size(); ++p)
        different += sample[p] != (static_cast<float>(expected[p]) / 255.0f - 0.1307f) / 0.3081f;
      CHECK(different == 0);
    }
    const std::vector<float> plain = read(set, i, tn::sample_key::evaluation());
    int different = 0;
    for (std::size_t p = 0; p < plain.size(); ++p) different += plain[p] != (static_cast<float>(stored[p]) / 255.0f - 0.1307f) / 0.3081f;
    CHECK(different == 0);
  }
  CHECK(brightness_first_count > 30);
  CHECK(brightness_first_count < 90);
}

TEST_CASE("augmentation depends on seed, epoch and sample, and on nothing else") {
  const auto images = some_images(8);
  const auto set = tn::transformed(images, tn::resize<32, 32>{}, turn, jitter, mnist_scale);
  const auto again = tn::transformed(images, tn::resize<32, 32>{}, turn, jitter, mnist_scale);
  const tn::sample_key key{.seed = tn::seed{1}, .epoch = 3};
  const auto reference = read(set, 5, key);
  for (tn::index i = 7; i >= 0; --i) (void)read(set, i, key);
  CHECK(read(set, 5, key) == reference);
  CHECK(read(again, 5, key) == reference);
  CHECK(read(tn::subset{set, {5, 0}}, 0, key) == reference);
  CHECK(read(set, 5, {.seed = tn::seed{2}, .epoch = 3}) != reference);
  CHECK(read(set, 5, {.seed = tn::seed{1}, .epoch = 4}) != reference);
  CHECK(read(set, 5, tn::sample_key::evaluation()) == read(tn::transformed(images, tn::resize<32, 32>{}, mnist_scale), 5, key));
}

TEST_CASE("transforms compose: any of them may be left out, random ones come in either order") {
  const auto images = some_images(4);
  const tn::sample_key key{.seed = tn::seed{9}, .epoch = 1};
  CHECK(read(tn::transformed(images), 2, key) == read(images, 2, key));

  const auto jittered_then_turned = tn::transformed(images, tn::resize<32, 32>{}, jitter, turn);
  for (tn::index i = 0; i < images.size(); ++i) {
    tn::random_sequence random{tn::counter_rng{key.seed, tn::random_stream::augmentation}, key.epoch, static_cast<std::uint32_t>(i)};
    const bool brightness_first = random.below(2) == 0;
    const float bright = random.uniform(0.8f, 1.2f), strong = random.uniform(0.8f, 1.2f);
    const float degrees = random.uniform(-15, 15);
    bytes expected{jittered_then_turned.bytes(i).begin(), jittered_then_turned.bytes(i).end()};
    expected = brightness_first ? oracle::contrast(oracle::brightness(expected, bright), strong)
                                : oracle::brightness(oracle::contrast(expected, strong), bright);
    expected = oracle::rotate(expected, 32, 32, degrees);
    const auto sample = read(jittered_then_turned, i, key);
    int different = 0;
    for (std::size_t p = 0; p < sample.size(); ++p) different += sample[p] != static_cast<float>(expected[p]) / 255.0f;
    CHECK(different == 0);
  }

  // Four transforms: the image alternates between its two buffers.
  const auto twice = tn::transformed(images, turn, jitter, turn, jitter, mnist_scale);
  static_assert(decltype(twice)::sample_shape == small);
  for (const float v : read(twice, 1, key)) CHECK(std::isfinite(v));

  // A jitter of strength 0 and a rotation of 0 degrees leave the image unchanged.
  const auto still = tn::transformed(images, tn::random_rotation{0}, tn::color_jitter{});
  CHECK(read(still, 3, key) == read(images, 3, key));
  static_assert(decltype(still)::augments && !decltype(tn::transformed(images, mnist_scale))::augments);
}

TEST_CASE("the view of transformed images reads what the data set reads") {
  const auto images = some_images(6);
  const auto check = [&](const auto&... transforms) {
    const auto set = tn::transformed(images, transforms...);
    check_view(set);
    const tn::subset part{set, {4, 1, 4, 0}};
    check_view(part);
    check_view(tn::transformed(part, turn, jitter, mnist_scale));  // a transformed subset numbers its samples anew
    CHECK(part.view(tn::host_upload{}).key_of(2) == 4);
    const tn::sample_key key{.seed = tn::seed{3}, .epoch = 2};
    CHECK(same_bits(read_strided(part.view(tn::host_upload{}), 2, key), read(set, 4, key)));
  };
  check();
  check(mnist_scale);
  check(tn::resize<32, 32>{}, turn, jitter, mnist_scale);
  check(tn::pad<30, 32>{}, jitter, turn);
  check(turn, jitter, turn, jitter, mnist_scale);
  check(jitter, tn::random_roll{3}, tn::random_affine{.degrees = 20, .shear = 9, .fill = 5}, mnist_scale);
  check(tn::random_rotation{0}, tn::color_jitter{});

  const tn::image_dataset<tn::shape{3, 7, 5}, 2> colored{noise(2 * 3 * 7 * 5, 8), {0, 1}};
  check_view(tn::transformed(colored, tn::pad<9, 6>{}, tn::random_rotation{180}));
}

TEST_CASE("a view of transformed images reads what was uploaded, and the uploaded alone") {
  const auto images = some_images(4);
  auto set = tn::transformed(images, tn::resize<32, 32>{}, turn, jitter, mnist_scale);
  check_uploaded(set, 3);
  auto whole = tn::transformed(images, tn::resize<32, 32>{}, turn, jitter, mnist_scale);
  tn::subset part{whole, {3, 0}};
  check_uploaded(part, 4);
}

TEST_CASE("pad puts the image in the middle, and fixed transforms chain") {
  constexpr tn::shape two{2, 2, 3};
  const tn::image_dataset<two, 2> images{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {1}};
  const auto padded = tn::transformed(images, tn::pad<5, 4>{});
  static_assert(decltype(padded)::sample_shape == tn::shape{2, 5, 4});
  CHECK(equal(padded.bytes(0), bytes{0, 0, 0, 0, 1, 2, 3, 0, 4,  5,  6,  0, 0, 0, 0, 0, 0, 0, 0, 0,  //
                                     0, 0, 0, 0, 7, 8, 9, 0, 10, 11, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  const auto chained = tn::transformed(some_images(2), tn::resize<20, 20>{}, tn::pad<24, 24>{}, tn::pad<28, 28>{});
  static_assert(decltype(chained)::sample_shape == small);
  const auto direct = tn::transformed(some_images(2), tn::resize<20, 20>{}, tn::pad<28, 28>{});
  CHECK(equal(chained.bytes(1), direct.bytes(1)));
}

TEST_CASE("transforms refuse parameters that make no sense") {
  const auto images = some_images(1);
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const auto message = [&](const auto& transform) {
    try {
      (void)tn::transformed(images, transform);
    } catch (const tn::argument_error& e) {
      return std::string{e.what()};
    }
    return std::string{};
  };
  CHECK(message(tn::random_rotation{-1}) == "random_rotation: degrees must lie between 0 and 180, got -1.000000");
  CHECK(!message(tn::random_rotation{nan}).empty());
  CHECK(message(tn::random_affine{.scale = 1}) == "random_affine: scale must lie between 0 and 0.900000, got 1.000000");
  for (const auto& wrong : {tn::random_affine{.degrees = 181}, tn::random_affine{.translate = nan}, tn::random_affine{.squeeze = -0.1f},
                            tn::random_affine{.shear = 90}, tn::random_affine{.fill = 256}, tn::random_affine{.fill = -1}})
    CHECK(!message(wrong).empty());
  CHECK(message(tn::random_roll{-1}) == "random_roll: shifts must lie between 0 and 65536, got -1");
  CHECK(!message(tn::random_roll{1 << 20}).empty());
  CHECK(!message(tn::color_jitter{.brightness = -0.1f, .contrast = 0}).empty());
  CHECK(!message(tn::color_jitter{.brightness = 0, .contrast = nan}).empty());
  CHECK(message(tn::normalize{0.5f, 0}) == "normalize: needs a finite mean and a standard deviation above 0, got 0.500000 and 0.000000");
  CHECK(!message(tn::normalize{nan, 1}).empty());
  CHECK(message(tn::normalize{0.5f, 0.5f}).empty());
}
