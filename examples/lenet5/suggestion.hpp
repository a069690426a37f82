// SPDX-License-Identifier: MIT
// Suggests the name that a user meant.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace lenet5 {

/// The number of letters to insert, leave out, replace or swap with a neighbor to make one word of another.
inline std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));  // [letters of a][letters of b]
  for (std::size_t i = 0; i <= a.size(); ++i)
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + std::size_t{a[i - 1] != b[j - 1]}});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

/// " (did you mean 'NAME'?)", with the name that is nearest to `word`; empty where none is near.
inline std::string suggestion(const std::string& word, const std::vector<std::string>& names) {
  constexpr std::size_t longest = 40;
  if (word.size() > longest) return {};
  std::size_t least = std::min<std::size_t>(3, (word.size() + 2) / 2);
  std::string nearest;
  for (const std::string& name : names)
    if (const std::size_t distance = edit_distance(word, name); distance < least) {
      least = distance;
      nearest = name;
    }
  return nearest.empty() ? nearest : " (did you mean '" + nearest + "'?)";
}

}  // namespace lenet5
