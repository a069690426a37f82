// SPDX-License-Identifier: MIT
// Writes the seeds of fuzzing to FOLDER/READER/NAME.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>

#include "seeds.hpp"

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_seeds FOLDER\n");
    return 2;
  }
  for (const fuzz::seed& seed : fuzz::seeds()) {
    const std::filesystem::path folder = std::filesystem::path{argv[1]} / seed.reader;
    std::filesystem::create_directories(folder);
    std::ofstream out{folder / seed.name, std::ios::binary};
    out.write(reinterpret_cast<const char*>(seed.content.data()), static_cast<std::streamsize>(seed.content.size()));
    if (!out.flush()) {
      std::fprintf(stderr, "write_seeds: %s cannot be written\n", (folder / seed.name).c_str());
      return 1;
    }
  }
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "write_seeds: %s\n", e.what());
  return 1;
}
