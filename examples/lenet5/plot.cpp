// SPDX-License-Identifier: MIT
// Draws pictures from the records of `reproduce`. Uses the program gnuplot and stb's image writer.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <typenet/data/mnist.hpp>

#include "gnuplot.hpp"
#include "outputs.hpp"
#include "pictures.hpp"
#include "program.hpp"
#include "results.hpp"
#include "settings.hpp"

#if defined(TYPENET_HAS_STB)
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb/stb_image_write.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
#endif

namespace lenet5 {
namespace {

namespace fs = std::filesystem;
constexpr int classes = 10;

/// Bitmaps of the digits and of '>': `[glyph][row]`, 3x5 pixels, one bit per pixel, three bits per row.
constexpr std::array<std::array<std::uint8_t, 5>, classes + 1> glyphs{{{7, 5, 5, 5, 7},
                                                                       {2, 6, 2, 2, 7},
                                                                       {7, 1, 7, 4, 7},
                                                                       {7, 1, 7, 1, 7},
                                                                       {5, 5, 7, 1, 1},
                                                                       {7, 4, 7, 1, 7},
                                                                       {7, 4, 7, 5, 7},
                                                                       {7, 1, 1, 2, 2},
                                                                       {7, 5, 7, 5, 7},
                                                                       {7, 5, 7, 1, 7},
                                                                       {4, 2, 1, 2, 4}}};

/// Draws the first 400 misclassified digits of a run, each with the caption "true > predicted".
void draw_misses([[maybe_unused]] const fs::path& picture, [[maybe_unused]] const run_record& run,
                 [[maybe_unused]] const tn::mnist_dataset& images) {
#if defined(TYPENET_HAS_STB)
  constexpr int side = 28, scale = 2, margin = 6, text = 2, cell = side * scale + margin, tall = cell + 5 * text + margin;
  constexpr std::size_t most = 400;  // largest number of digits in a picture
  std::vector<tn::index> missed;
  for (tn::index i = 0; i < run.count() && missed.size() < most; ++i)
    if (run.missed(i)) missed.push_back(i);
  const int columns = std::clamp(static_cast<int>(missed.size()), 1, 16);
  const int lines = std::max(1, (static_cast<int>(missed.size()) + columns - 1) / columns);
  const int width = columns * cell + margin, height = lines * tall + margin;
  std::vector<std::uint8_t> canvas(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), 255);
  const auto put = [&](int x, int y, int size, std::uint8_t grey) {
    for (int dy = 0; dy < size; ++dy)
      for (int dx = 0; dx < size; ++dx)
        canvas[static_cast<std::size_t>(y + dy) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x + dx)] = grey;
  };
  for (std::size_t m = 0; m < missed.size(); ++m) {
    const int left = margin + static_cast<int>(m) % columns * cell, top = margin + static_cast<int>(m) / columns * tall;
    const tn::index image = run.image(missed[m]);
    if (image < 0 || image >= images.size())
      throw tn::file_error(picture.string() + ": the run was tested with image " + std::to_string(image) + ", and the data set has " +
                           std::to_string(images.size()) + "; is it another?");
    const auto pixels = images.bytes(image);
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x)
        put(left + x * scale, top + y * scale, scale, static_cast<std::uint8_t>(255 - pixels[static_cast<std::size_t>(y * side + x)]));
    const auto at = static_cast<std::size_t>(missed[m]);
    const std::array<int, 3> word{run.labels[at] - '0', classes, run.predictions[at] - '0'};
    for (int g = 0; g < 3; ++g)
      for (int y = 0; y < 5; ++y)
        for (int x = 0; x < 3; ++x)
          if ((glyphs[static_cast<std::size_t>(word[static_cast<std::size_t>(g)])][static_cast<std::size_t>(y)] >> (2 - x) & 1) != 0)
            put(left + side * scale / 2 - 11 + (g * 4 + x) * text, top + side * scale + 3 + y * text, text, 60);
  }
  std::string png;
  stbi_write_png_to_func(
      [](void* to, void* data, int size) {
        static_cast<std::string*>(to)->append(static_cast<const char*>(data), static_cast<std::size_t>(size));
      },
      &png, width, height, 1, canvas.data(), width);
  write_text(picture, png);
#else
  std::fprintf(stderr, "lenet5: %s left out: this lenet5 was built without stb (Debian: libstb-dev)\n", picture.c_str());
#endif
}

}  // namespace

int plot(const settings& s) {
  std::map<std::string_view, std::vector<run_record>> rows;
  for (run_record& run : load_records(s.results))
    rows[own_name(record_path(s.results, run.row, run.seed), run.row, program.known)].push_back(std::move(run));
  if (rows.empty())
    throw tn::argument_error(s.results.string() + ": no runs there to plot; `lenet5 reproduce --results " + s.results.string() +
                             "` makes some");
  const auto images = tn::load_mnist(tn::mnist_split::test, s.data);
  const fs::path folder = s.results / "pictures", table = s.results / "results.json";
  if (fs::is_symlink(fs::symlink_status(folder)))
    throw tn::file_error(folder.string() + ": is a link, which may lead out of the folder of results; remove the link");
  std::ifstream in{table};
  if (!in) throw tn::file_error(table.string() + ": cannot be read; `lenet5 reproduce` writes it");
  const auto draw = [&](const std::string& name, const std::string& script) { write_text(folder / name, run_gnuplot(script)); };
  draw("rows.svg", rows_script(table, nlohmann::json::parse(in, nullptr, false), program.known));
  for (const auto& [row, runs] : rows) {
    const std::string name{row};
    draw(name + "-confusion.svg", confusion_script(row, runs.front()));
    draw(name + "-curves.svg", curves_script(row, runs));
    draw_misses(folder / (name + "-misses.png"), runs.front(), images);
  }
  std::printf("pictures of %zu row%s: %s\n", rows.size(), rows.size() == 1 ? "" : "s", folder.c_str());
  return 0;
}

}  // namespace lenet5
