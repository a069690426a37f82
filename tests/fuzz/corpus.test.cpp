// SPDX-License-Identifier: MIT
// Runs every harness, without a fuzzer, on its seeds, on damaged seeds, and on the committed corpus: corpus/READER holds edge cases, and
// corpus/READER/findings what fuzzing has found, minimised. The sources are one translation unit, which halves the time to compile them.
// CMake compiles this program under sanitizers where it can.
#define LLVMFuzzerTestOneInput read_weights
#include "weights.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput read_checkpoint
#include "checkpoint.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput read_idx_file
#include "idx.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput read_mnist
#include "mnist.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput read_results
#include "results.cpp"
#undef LLVMFuzzerTestOneInput
#if defined(TYPENET_HAS_STB)
#define LLVMFuzzerTestOneInput read_image
#include "image.cpp"
#undef LLVMFuzzerTestOneInput
#endif
#include "seeds.cpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <map>

#include <typenet/core/random.hpp>

// A small file that asks for a large part of the memory is a finding. AddressSanitizer calls this function where it is there.
extern "C" const char* __asan_default_options() { return "max_allocation_size_mb=256"; }

namespace {

namespace fs = std::filesystem;
namespace tn = typenet;
using fuzz::bytes;

using harness = int (*)(const std::uint8_t*, std::size_t);

const std::map<std::string, harness>& harnesses() {
  static const std::map<std::string, harness> all{
      {"weights", read_weights}, {"checkpoint", read_checkpoint}, {"idx", read_idx_file}, {"mnist", read_mnist}, {"results", read_results},
#if defined(TYPENET_HAS_STB)
      {"image", read_image},
#endif
  };
  return all;
}

const std::vector<fuzz::seed>& all_seeds() {
  static const std::vector<fuzz::seed> all = fuzz::seeds();
  return all;
}

/// Gives the input to the harness in memory of its size, so that a sanitizer sees a byte read past it.
/// @returns true where the reader accepts it
bool accepts(harness run, const bytes& input) {
  const long before = fuzz::accepted;
  const bytes exact(input);
  run(exact.data(), exact.size());
  return fuzz::accepted > before;
}

}  // namespace

TEST_CASE("every reader accepts its seeds") {
  for (const fuzz::seed& seed : all_seeds()) {
    CAPTURE(seed.reader);
    CAPTURE(seed.name);
    bool accepted = false;
    CHECK_NOTHROW(accepted = accepts(harnesses().at(seed.reader), seed.content));
    CHECK(accepted);
  }
}

TEST_CASE("every reader refuses or accepts a seed that is cut, or has a byte changed") {
  tn::random_sequence random{tn::counter_rng{tn::seed{1}, tn::random_stream::user}, 0, 0};
  for (const fuzz::seed& seed : all_seeds()) {
    CAPTURE(seed.reader);
    CAPTURE(seed.name);
    const harness run = harnesses().at(seed.reader);
    const auto size = static_cast<std::uint32_t>(seed.content.size());
    for (int i = 0; i < 40; ++i) {
      bytes input = seed.content;
      const std::uint32_t at = random.below(size);
      CAPTURE(at);
      if (i % 4 == 0)
        input.resize(at);
      else
        input[at] = static_cast<std::uint8_t>(i % 4 == 1 ? input[at] ^ 1u << random.below(8) : random.below(256));
      CHECK_NOTHROW(accepts(run, input));
    }
  }
}

TEST_CASE("every reader refuses or accepts what its corpus holds") {
  int files = 0;
  for (const auto& [reader, run] : harnesses()) {
    const fs::path folder = fs::path{TYPENET_FUZZ_CORPUS} / reader;
    REQUIRE(fs::is_directory(folder));
    for (const auto& entry : fs::recursive_directory_iterator{folder}) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in{entry.path(), std::ios::binary};
      const bytes input{std::istreambuf_iterator<char>{in}, {}};
      const std::string name = entry.path().string();
      CAPTURE(name);
      CHECK_NOTHROW(accepts(run, input));
      ++files;
    }
  }
  CHECK(files > 0);
}
