// SPDX-License-Identifier: MIT
// Reads the input as the record of a run. A record that is accepted names a file of the results folder, and comes back as it was saved.
#include "../../examples/lenet5/results.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = fuzz::input_file("record.json", {data, size});
  lenet5::run_record read;
  try {
    read = lenet5::load_record(file);
  } catch (const fuzz::tn::error&) {
    return 0;
  }
  ++fuzz::accepted;
  fuzz::demand(read.misses() <= read.count(), "no more digits are missed than there are");
  const std::filesystem::path results = fuzz::folder().path() / "results";
  const std::filesystem::path saved = lenet5::record_path(results, read.row, read.seed);
  fuzz::demand(saved.lexically_normal().parent_path() == results / "runs", "no path is made from a file's content");
  lenet5::save(results, read);
  const lenet5::run_record again = lenet5::load_record(saved);
  fuzz::demand(again.row == read.row && again.seed == read.seed && again.labels == read.labels && again.predictions == read.predictions &&
                   again.images == read.images && again.loss == read.loss && again.build == read.build,
               "a record comes back as it was saved");
  std::filesystem::remove(saved);
  return 0;
}
