// SPDX-License-Identifier: MIT
#include "statistics.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "device_memory.hpp"
#include "report.hpp"
#include "settings.hpp"

namespace cuda_on_cpu {
namespace {

/// The runs of one kernel.
struct row {
  std::uint64_t launches = 0;
  std::uint64_t most_blocks = 0, threads = 0;
  std::uint64_t instructions = 0;
  std::uint32_t rounds = 0;
};

std::map<const kernel*, row>& rows() {
  static auto& all = *new std::map<const kernel*, row>;
  return all;
}

unsigned long long printed(std::uint64_t number) { return number; }

}  // namespace

totals& get_totals() {
  static totals all;
  return all;
}

void note_run(const launch& what, std::uint64_t instructions, std::uint32_t rounds) {
  row& r = rows()[what.code];
  ++r.launches;
  r.most_blocks = std::max(r.most_blocks, what.grid.count());
  r.threads = what.block.count();
  r.instructions += instructions;
  r.rounds = std::max(r.rounds, rounds);
}

void print_statistics() {
  if (!get_settings().statistics) return;
  const totals& t = get_totals();
  std::fprintf(stderr,
               "cuda_on_cpu: %llu launches, %llu launches of graphs, %llu copies to the device (%llu bytes), %llu copies to the host "
               "(%llu bytes), %llu copies on the device, %llu synchronizations, %llu allocations, at most %llu bytes\n",
               printed(t.launches), printed(t.graph_launches), printed(t.copies_to_device), printed(t.bytes_to_device),
               printed(t.copies_to_host), printed(t.bytes_to_host), printed(t.copies_on_device), printed(t.synchronizations),
               printed(t.allocations), printed(get_device_memory().most_bytes()));
  std::vector<std::pair<const kernel*, row>> sorted(rows().begin(), rows().end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second.instructions > b.second.instructions; });
  std::fprintf(stderr, "%9s %8s x %-5s %14s %12s %7s  %s\n", "launches", "blocks", "threads", "instructions", "per launch", "rounds",
               "kernel");
  for (const auto& [k, r] : sorted)
    std::fprintf(stderr, "%9llu %8llu x %-7llu %14llu %12llu %7u  %s\n", printed(r.launches), printed(r.most_blocks), printed(r.threads),
                 printed(r.instructions), printed(r.instructions / r.launches), r.rounds, readable(k->name).c_str());
}

}  // namespace cuda_on_cpu
