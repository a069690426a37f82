// SPDX-License-Identifier: MIT
// Draws pictures from the records of `reproduce`. Uses the program gnuplot and stb's image writer.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <typenet/data/mnist.hpp>

#include "results.hpp"
#include "settings.hpp"
#include "shell.hpp"

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

/// Runs a gnuplot script that prints an SVG picture, and writes the picture to the file `picture`.
/// @throws typenet::file_error if gnuplot is missing or fails
void draw(const fs::path& picture, const std::string& script) {
  const fs::path file = fs::temp_directory_path() / ("lenet5-plot-" + std::to_string(getpid()) + ".gp");
  write_text(file, script);
  std::FILE* const pipe = popen(("gnuplot " + shell_word(file.string())).c_str(), "r");
  std::string drawn;
  std::array<char, 65536> buffer;
  if (pipe != nullptr)
    while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) drawn.append(buffer.data(), n);
  const int status = pipe == nullptr ? -1 : pclose(pipe);
  std::error_code ignored;
  fs::remove(file, ignored);
  if (status != 0 || drawn.find("</svg>") == std::string::npos)
    throw tn::file_error(picture.string() + ": gnuplot did not draw it; is it installed (Debian: gnuplot-nox)?");
  write_text(picture, drawn);
}

std::string start(int width, int height) {
  return "set terminal svg size " + std::to_string(width) + "," + std::to_string(height) +
         " font 'sans-serif,13' background 'white' dynamic\nset encoding utf8\n";
}
/// Quotes a text for gnuplot and escapes its markup.
std::string quoted(const std::string& text) {
  std::string q = "'";
  for (const char c : text) q += c == '\'' ? std::string{"''"} : c == '_' ? std::string{"\\_"} : std::string{c};
  return q + "'";
}

// Blue and vermilion of the Okabe-Ito palette, which color-blind readers can distinguish.
constexpr const char* blue = "#0072B2";
constexpr const char* vermilion = "#D55E00";

std::string title_of(const run_record& run) {
  return run.row + ", seed " + std::to_string(run.seed) + ": " + std::to_string(run.misses()) + " of " + std::to_string(run.count()) +
         " missed";
}

/// Draws the confusion matrix: true digits down, predicted digits across. The diagonal has numbers without color, because its large counts
/// would hide all other colors.
void draw_confusion(const fs::path& picture, const run_record& run) {
  std::array<std::array<int, classes>, classes> counts{};
  int most = 1;
  for (std::size_t i = 0; i < run.labels.size(); ++i) {
    const auto truth = static_cast<std::size_t>(run.labels[i] - '0'), predicted = static_cast<std::size_t>(run.predictions[i] - '0');
    if (truth >= classes || predicted >= classes) throw tn::file_error(picture.string() + ": a label is not a digit");
    if (++counts[truth][predicted] > most && truth != predicted) most = counts[truth][predicted];
  }
  std::ostringstream s;
  s << start(640, 620) << "$cells << EOD\n";
  for (int t = 0; t < classes; ++t)
    for (int p = 0; p < classes; ++p) {
      const int n = counts[static_cast<std::size_t>(t)][static_cast<std::size_t>(p)];
      s << p << ' ' << t << ' ' << (t == p ? "NaN" : std::to_string(n)) << ' ' << n << '\n';
    }
  s << "EOD\nset title " << quoted(title_of(run)) << "\n"
    << "set xlabel 'predicted'\nset ylabel 'true'\nset xtics 0,1,9 scale 0\nset ytics 0,1,9 scale 0\n"
    << "set xrange [-0.5:9.5]\nset yrange [9.5:-0.5]\nset size square\nset key off\nset cblabel 'misclassified'\n"
    << "set cbtics " << (most + 5) / 6
    << "\nset palette defined (0 '#FFFFFF', 0.15 '#DCE9F5', 0.5 '#6BAED6', 1 '#08306B')\nset cbrange [0:" << most << "]\n"
    << "plot $cells using 1:2:3 with image pixels, "
    << "$cells using 1:2:($4 > 0 && $1 != $2 ? sprintf('%d', $4) : '') with labels tc rgb variable font ',12' notitle, "
    << "$cells using 1:2:($1 == $2 ? sprintf('%d', $4) : '') with labels tc rgb '#777777' font ',12'\n";
  std::string text = s.str();
  // Dark cells get light text.
  const std::string variable = "'') with labels tc rgb variable";
  text.replace(text.find(variable), variable.size(),
               "''):($3 > " + std::to_string(0.55 * most) + " ? 0xFFFFFF : 0x222222) with labels tc rgb variable");
  draw(picture, text);
}

/// Draws the loss and the error rates over the epochs, one line per seed.
void draw_curves(const fs::path& picture, const std::vector<run_record>& runs) {
  std::ostringstream s;
  s << start(960, 420);
  for (std::size_t r = 0; r < runs.size(); ++r) {
    s << "$run" << r << " << EOD\n";
    const run_record& run = runs[r];
    // A logarithmic axis has no zero: zero misses are drawn as half a miss.
    const auto error = [](double accuracy, tn::index count) { return 100 * std::max(1 - accuracy, 0.5 / static_cast<double>(count)); };
    for (std::size_t e = 0; e < run.loss.size(); ++e)
      s << e + 1 << ' ' << run.loss[e] << ' ' << error(run.training_accuracy[e], run.training_count) << ' '
        << error(run.test_accuracy[e], run.count()) << '\n';
    s << "EOD\n";
  }
  const auto lines = [&](const std::string& column, const char* colour, const std::string& title) {
    std::string all;
    for (std::size_t r = 0; r < runs.size(); ++r)
      all += (r == 0 ? "" : ", ") + ("$run" + std::to_string(r)) + " using 1:" + column + " with lines lw 1.4 lc rgb '" + colour + "' " +
             (r == 0 && !title.empty() ? "title '" + title + "'" : "notitle");
    return all;
  };
  s << "set multiplot layout 1,2 title " << quoted(runs.front().row + ", a line for each of " + std::to_string(runs.size()) + " seeds")
    << "\nset xlabel 'epoch'\nset grid ytics lc rgb '#DDDDDD'\nset logscale y\nset xrange [1:*]\n"
    << "set ylabel 'training loss'\nset format y '%g'\nplot " << lines("2", vermilion, "") << "\n"
    << "set ylabel 'misclassified, %'\nset key top right\nplot " << lines("3", vermilion, "training, while it learns") << ", "
    << lines("4", blue, "test") << "\nunset multiplot\n";
  draw(picture, s.str());
}

/// Draws the test errors of all rows and the published results.
void draw_rows(const fs::path& picture, const nlohmann::json& results) {
  std::ostringstream published, ours, seeds, tics;
  int x = 0;
  for (const auto& row : results.at("rows")) {
    const auto interval = [](const nlohmann::json& of) {
      return std::to_string(of.at("interval").at(0).get<double>()) + " " + std::to_string(of.at("interval").at(1).get<double>());
    };
    if (!row.at("published").is_null())
      published << x - 0.15 << ' ' << row["published"].at("error").get<double>() << ' ' << interval(row["published"]) << '\n';
    ours << x + 0.15 << ' ' << row.at("error").get<double>() << ' ' << interval(row) << '\n';
    for (const auto& seed : row.at("seeds"))
      seeds << x + 0.27 << ' ' << 100 * seed.at("misses").get<double>() / row.at("count").get<double>() << '\n';
    tics << (x == 0 ? "" : ", ") << quoted(row.at("name").get<std::string>()) << ' ' << x;
    ++x;
  }
  std::ostringstream s;
  s << start(std::max(480, 160 + 58 * x), 600) << "$published << EOD\n"
    << (published.str().empty() ? "NaN NaN NaN NaN\n" : published.str()) << "EOD\n$ours << EOD\n"
    << ours.str() << "EOD\n$seeds << EOD\n"
    << seeds.str() << "EOD\nset title 'test error, with 95 % intervals'\nset ylabel '%'\nset logscale y\nset format y '%g'\n"
    << "set ytics (0.3, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 4, 6, 10, 20, 50, 90)\nset yrange [0.4 < * : 2 < * < 100]\nset grid ytics lc rgb "
       "'#DDDDDD'\n"
    << "set xrange [-0.6:" << x - 0.4 << "]\nset xtics rotate by 40 right (" << tics.str() << ") scale 0\nset key top right\n"
    << "plot $published using 1:2:3:4 with yerrorbars pt 7 ps 0.7 lw 1.5 lc rgb '#888888' title 'published', "
    << "$ours using 1:2:3:4 with yerrorbars pt 7 ps 0.7 lw 1.5 lc rgb '" << blue << "' title 'mean over seeds', "
    << "$seeds using 1:2 with points pt 6 ps 0.45 lc rgb '" << vermilion << "' title 'each seed'\n";
  draw(picture, s.str());
}

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
  std::map<std::string, std::vector<run_record>> rows;
  for (run_record& run : load_records(s.results)) rows[run.row].push_back(std::move(run));
  if (rows.empty())
    throw tn::argument_error(s.results.string() + ": no runs there to plot; `lenet5 reproduce --results " + s.results.string() +
                             "` makes some");
  const auto images = tn::load_mnist(tn::mnist_split::test, s.data);
  const fs::path folder = s.results / "pictures";
  for (const auto& [row, runs] : rows) {
    draw_confusion(folder / (row + "-confusion.svg"), runs.front());
    draw_curves(folder / (row + "-curves.svg"), runs);
    draw_misses(folder / (row + "-misses.png"), runs.front(), images);
  }
  std::ifstream in{s.results / "results.json"};
  if (!in) throw tn::file_error((s.results / "results.json").string() + ": cannot be read; `lenet5 reproduce` writes it");
  draw_rows(folder / "rows.svg", nlohmann::json::parse(in));
  std::printf("pictures of %zu row%s: %s\n", rows.size(), rows.size() == 1 ? "" : "s", folder.c_str());
  return 0;
}

}  // namespace lenet5
