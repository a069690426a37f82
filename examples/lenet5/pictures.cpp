// SPDX-License-Identifier: MIT
#include "pictures.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <sstream>

#include <nlohmann/json.hpp>

#include <typenet/core/error.hpp>

namespace lenet5 {
namespace {

constexpr int classes = 10;

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

std::string title_of(std::string_view row, const run_record& run) {
  return std::string{row} + ", seed " + std::to_string(run.seed) + ": " + std::to_string(run.misses()) + " of " +
         std::to_string(run.count()) + " missed";
}

}  // namespace

std::string_view own_name(const std::filesystem::path& file, const std::string& name, std::span<const known_recipe> known) {
  for (const known_recipe& recipe : known)
    if (recipe.name == name) return recipe.name;
  throw tn::file_error(file.string() + ": a row is no recipe of this program; remove the file");
}

std::string confusion_script(std::string_view row, const run_record& run) {
  std::array<std::array<int, classes>, classes> counts{};
  int most = 1;
  for (std::size_t i = 0; i < run.labels.size(); ++i) {
    const auto truth = static_cast<std::size_t>(run.labels[i] - '0'), predicted = static_cast<std::size_t>(run.predictions[i] - '0');
    if (++counts[truth][predicted] > most && truth != predicted) most = counts[truth][predicted];
  }
  std::ostringstream s;
  s << start(640, 620) << "$cells << EOD\n";
  for (int t = 0; t < classes; ++t)
    for (int p = 0; p < classes; ++p) {
      const int n = counts[static_cast<std::size_t>(t)][static_cast<std::size_t>(p)];
      s << p << ' ' << t << ' ' << (t == p ? "NaN" : std::to_string(n)) << ' ' << n << '\n';
    }
  s << "EOD\nset title " << quoted(title_of(row, run)) << "\n"
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
  return text;
}

std::string curves_script(std::string_view row, const std::vector<run_record>& runs) {
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
  s << "set multiplot layout 1,2 title " << quoted(std::string{row} + ", a line for each of " + std::to_string(runs.size()) + " seeds")
    << "\nset xlabel 'epoch'\nset grid ytics lc rgb '#DDDDDD'\nset logscale y\nset xrange [1:*]\n"
    << "set ylabel 'training loss'\nset format y '%g'\nplot " << lines("2", vermilion, "") << "\n"
    << "set ylabel 'misclassified, %'\nset key top right\nplot " << lines("3", vermilion, "training, while it learns") << ", "
    << lines("4", blue, "test") << "\nunset multiplot\n";
  return s.str();
}

std::string rows_script(const std::filesystem::path& file, const nlohmann::json& results, std::span<const known_recipe> known) try {
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
    tics << (x == 0 ? "" : ", ") << quoted(std::string{own_name(file, row.at("name").get<std::string>(), known)}) << ' ' << x;
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
  return s.str();
} catch (const nlohmann::json::exception& e) {
  throw tn::file_error(file.string() + ": not the results of `lenet5 reproduce`: " + e.what());
}

}  // namespace lenet5
