// SPDX-License-Identifier: MIT
// Runs grids: chooses which lanes of a warp, which warps of a block and which blocks of a grid go on.
#include <algorithm>
#include <cfenv>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "device_memory.hpp"
#include "report.hpp"
#include "settings.hpp"
#include "statistics.hpp"
#include "warp.hpp"

namespace cuda_on_cpu {
namespace {

std::string text_of(const extent& e) { return "(" + std::to_string(e.x) + ", " + std::to_string(e.y) + ", " + std::to_string(e.z) + ")"; }

/// The coordinates of the element `number` of an extent; x varies fastest.
extent place_of(std::uint64_t number, const extent& all) {
  return {static_cast<unsigned>(number % all.x), static_cast<unsigned>(number / all.x % all.y),
          static_cast<unsigned>(number / (std::uint64_t{all.x} * all.y))};
}

/// A statement of PTX on one line.
std::string on_one_line(std::string_view text) {
  std::string line;
  for (const char c : text)
    if (c != '\n' && c != '\t' && c != '\r')
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  return line;
}

std::uint64_t special_value(const warp& w, special what, int lane) {
  const launch& l = w.grid.what;
  const unsigned thread = static_cast<unsigned>(w.number * warp_size + lane);
  const lane_mask bit = lane_mask{1} << lane;
  switch (what) {
    case special::tid_x: return place_of(thread, l.block).x;
    case special::tid_y: return place_of(thread, l.block).y;
    case special::tid_z: return place_of(thread, l.block).z;
    case special::ntid_x: return l.block.x;
    case special::ntid_y: return l.block.y;
    case special::ntid_z: return l.block.z;
    case special::ctaid_x: return w.block.place.x;
    case special::ctaid_y: return w.block.place.y;
    case special::ctaid_z: return w.block.place.z;
    case special::nctaid_x: return l.grid.x;
    case special::nctaid_y: return l.grid.y;
    case special::nctaid_z: return l.grid.z;
    case special::laneid: return static_cast<std::uint64_t>(lane);
    case special::warpid: return static_cast<std::uint64_t>(w.number);
    case special::nwarpid: return w.block.warps.size();
    case special::smid: return w.block.number % get_settings().processors;
    case special::nsmid: return get_settings().processors;
    case special::gridid: return 0;
    case special::lanemask_eq: return bit;
    case special::lanemask_lt: return bit - 1;
    case special::lanemask_le: return bit | (bit - 1);
    case special::lanemask_gt: return ~(bit | (bit - 1));
    case special::lanemask_ge: return ~(bit - 1);
    case special::dynamic_smem_size: return l.dynamic_shared_bytes;
    case special::total_smem_size: return w.block.shared.size();
    case special::envreg1: return w.grid.barrier_address >> 32;
    case special::envreg2: return static_cast<std::uint32_t>(w.grid.barrier_address);
    case special::clock: return 0;
  }
  return 0;
}

}  // namespace

void warp::fault(const std::string& what, int lane) const {
  std::string message = what + "\n  kernel: " + readable(grid.what.code->name);
  if (present != nullptr) message += "\n  instruction: " + on_one_line(present->text);
  message += "\n  block " + text_of(block.place) + " of " + text_of(grid.what.grid);
  if (lane != none)
    message += ", thread " + text_of(place_of(static_cast<std::uint64_t>(number * warp_size + lane), grid.what.block)) + " of " +
               text_of(grid.what.block);
  message += ", warp " + std::to_string(number) + ", lanes " + hexadecimal(present_lanes);
  stop(message);
}

void warp::count_rounds(const instruction& i) {
  std::uint32_t& control = control_rounds;
  std::uint32_t needed = control;
  for (const int s : i.sources)
    if (s != none) needed = std::max(needed, rounds[static_cast<std::size_t>(s)]);
  if (i.guard != none) needed = std::max(needed, rounds[static_cast<std::size_t>(i.guard)]);
  using kind = instruction::kind;
  // Whatever follows a branch waits for its condition.
  if (i.what == kind::branch || i.what == kind::branch_table || i.what == kind::exit) control = needed;
  if (i.stores) store_rounds = std::max(store_rounds, needed);
  if (i.loads && present_lanes != 0) {
    const bool is_global =
        i.where == space::global || (i.where == space::generic && lanes_of(i.sources[0])[first_lane(present_lanes)] < shared_window);
    if (is_global) ++needed;
  }
  for (const int d : i.destinations)
    if (d != none) rounds[static_cast<std::size_t>(d)] = needed;
}

/// Whether all lanes that an operation among lanes names are at it. If so, `lanes` are all of them; if not, `lanes` wait.
bool warp::meet(const instruction& i, int& next, lane_mask& lanes) {
  const std::uint64_t* const masks = lanes_of(i.sources[0]);
  const auto named = static_cast<lane_mask>(masks[first_lane(lanes)]);
  lane_mask here = lanes;
  for_lanes(at_meeting, [&](int lane) {
    if (at[static_cast<std::size_t>(lane)] == next) here |= lane_mask{1} << lane;
  });
  for_lanes(here, [&](int lane) {
    const auto mask = static_cast<lane_mask>(masks[lane]);
    if ((mask >> lane & 1) == 0) fault("a lane that its own mask " + hexadecimal(mask) + " does not name", lane);
  });
  lane_mask ready = 0;
  for_lanes(here, [&](int lane) {
    if (static_cast<lane_mask>(masks[lane]) == named) ready |= lane_mask{1} << lane;
  });
  if ((named & alive & ~ready) != 0) {
    at_meeting |= lanes;
    return false;
  }
  at_meeting &= ~ready;
  lanes = ready;
  return true;
}

void warp::run(std::uint64_t most) {
  using kind = instruction::kind;
  const std::vector<instruction>& code = grid.what.code->code;
  while (most > 0) {
    const lane_mask ready = alive & ~at_barrier & ~at_meeting;
    if (ready == 0) {
      if (at_meeting == 0) return;
      present = &code[static_cast<std::size_t>(at[static_cast<std::size_t>(first_lane(at_meeting))])];
      const auto named = static_cast<lane_mask>(lanes_of(present->sources[0])[first_lane(at_meeting)]);
      present_lanes = at_meeting;
      fault("an operation by part of a warp: it names lanes " + hexadecimal(named) + ", of which " +
            hexadecimal(named & alive & ~at_meeting) + " wait elsewhere");
    }
    // The lanes that are farthest behind go on, until they reach others or part.
    int next = std::numeric_limits<int>::max(), limit = next;
    lane_mask group = 0;
    for_lanes(ready, [&](int lane) {
      const int here = at[static_cast<std::size_t>(lane)];
      if (here < next) {
        limit = next;
        next = here;
        group = 0;
      } else if (here > next) {
        limit = std::min(limit, here);
      }
      if (here == next) group |= lane_mask{1} << lane;
    });
    const auto put = [&](lane_mask lanes, int where) { for_lanes(lanes, [&](int lane) { at[static_cast<std::size_t>(lane)] = where; }); };
    for (; most > 0 && group != 0 && next < limit; --most) {
      const instruction& i = code[static_cast<std::size_t>(next)];
      lane_mask lanes = group;
      if (i.guard != none) lanes &= i.guard_negated ? ~predicate(i.guard) : predicate(i.guard);
      present = &i;
      present_lanes = lanes;
      ++grid.instructions;
      if (grid.counts_rounds) count_rounds(i);
      if (i.what == kind::plain) {
        if (lanes != 0) i.run(i, *this, lanes);
        ++next;
        continue;
      }
      if (lanes == 0) {
        ++next;
        continue;
      }
      const lane_mask others = group & ~lanes;
      switch (i.what) {
        case kind::plain: break;
        case kind::branch:
          if (others == 0) {
            next = i.targets[0];
          } else {
            put(lanes, i.targets[0]);
            put(others, next + 1);
            group = 0;
          }
          break;
        case kind::branch_table:
          for_lanes(lanes, [&](int lane) {
            const std::uint64_t index = static_cast<std::uint32_t>(lanes_of(i.sources[0])[lane]);
            if (index >= i.targets.size())
              fault("a jump by a table of " + std::to_string(i.targets.size()) + " to its entry " + std::to_string(index), lane);
            put(lane_mask{1} << lane, i.targets[index]);
          });
          put(others, next + 1);
          group = 0;
          break;
        case kind::exit:
          alive &= ~lanes;
          group = others;
          ++next;
          break;
        case kind::collective:
          put(lanes, next);
          put(others, next + 1);
          if (meet(i, next, lanes)) {
            present_lanes = lanes;
            i.run(i, *this, lanes);
            put(lanes, next + 1);
            if (lanes == group) {
              ++next;
              break;
            }
          }
          group = 0;
          break;
        case kind::barrier:
          put(lanes, next);
          put(others, next + 1);
          at_barrier |= lanes;
          group = 0;
          break;
      }
    }
    put(group, next);
  }
}

bool block_run::done() const {
  return std::all_of(warps.begin(), warps.end(), [](const auto& w) { return w->done(); });
}

bool block_run::release_barriers() {
  struct arrival {
    std::uint64_t threads = 0;
    std::uint64_t needed = 0;
    int at = none;
  };
  std::map<std::uint64_t, arrival> barriers;
  std::uint64_t alive = 0;
  const auto each_waiting = [&](auto f) {
    for (const auto& w : warps)
      for_lanes(w->at_barrier, [&](int lane) {
        const int at = w->at[static_cast<std::size_t>(lane)];
        const instruction& i = w->grid.what.code->code[static_cast<std::size_t>(at)];
        f(*w, lane, at, i, w->lanes_of(i.sources[0])[lane]);
      });
  };
  for (const auto& w : warps) alive += static_cast<std::uint64_t>(std::popcount(w->alive));
  each_waiting([&](warp& w, int lane, int at, const instruction& i, std::uint64_t id) {
    arrival& a = barriers[id];
    if (a.at == none) a.at = at;
    if (a.at != at) {
      w.present = &i;
      w.present_lanes = w.at_barrier;
      const instruction& other = w.grid.what.code->code[static_cast<std::size_t>(a.at)];
      w.fault("a barrier that threads of one block meet at different places: at instruction " + std::to_string(a.at) + " (" +
                  on_one_line(other.text) + ") and at instruction " + std::to_string(at),
              lane);
    }
    ++a.threads;
    a.needed = i.sources[1] == none ? alive : w.lanes_of(i.sources[1])[lane];
  });
  bool released = false;
  for (const auto& [id, a] : barriers) {
    if (a.threads < a.needed) continue;
    released = true;
    std::uint64_t votes = 0;
    std::uint32_t rounds = 0;
    each_waiting([&, which = id](warp& w, int lane, int, const instruction& i, std::uint64_t mine) {
      if (mine != which) return;
      if (i.sources[2] != none) votes += w.predicate(i.sources[2]) >> lane & 1;
      rounds = std::max({rounds, w.control_rounds, w.store_rounds});
    });
    each_waiting([&, which = id, &reached = a](warp& w, int lane, int at, const instruction& i, std::uint64_t mine) {
      if (mine != which) return;
      const lane_mask bit = lane_mask{1} << lane;
      if (i.destinations[0] != none) {
        if (i.detail == 1) {
          w.lanes_of(i.destinations[0])[lane] = votes;
        } else {
          const bool result = i.detail == 2 ? votes == reached.threads : votes != 0;
          std::uint64_t& to = w.lanes_of(i.destinations[0])[0];
          to = result ? to | bit : to & ~bit;
        }
      }
      w.control_rounds = rounds;
      w.at[static_cast<std::size_t>(lane)] = at + 1;
      w.at_barrier &= ~bit;
    });
  }
  return released;
}

namespace {

/// The blocks of a grid that run at the same time, and those that wait.
class grid_scheduler {
 public:
  explicit grid_scheduler(const launch& what) : run_{what} {
    run_.counts_rounds = get_settings().statistics;
    if (what.cooperative) {
      // What cooperative_groups takes for the driver's workspace: its size, and the barrier.
      constexpr std::size_t workspace = 64;
      run_.barrier_address = get_device_memory().allocate(workspace);
      if (run_.barrier_address == 0) stop("no device memory is left for the barrier of a cooperative grid");
      std::memset(get_device_memory().at(run_.barrier_address, workspace), 0, workspace);
    }
  }
  grid_scheduler(const grid_scheduler&) = delete;
  grid_scheduler& operator=(const grid_scheduler&) = delete;
  ~grid_scheduler() {
    if (run_.barrier_address != 0) get_device_memory().free(run_.barrier_address);
  }

  void run() {
    const std::uint64_t blocks = run_.what.grid.count();
    // One block after another runs, unless blocks wait for one another: then others are let in.
    constexpr std::uint64_t patience = 20'000'000;
    std::uint64_t together = run_.what.cooperative ? blocks : 1, started = 0, last_end = 0;
    while (started < blocks || !active_.empty()) {
      while (active_.size() < together && started < blocks) {
        start(get_settings().reversed ? blocks - 1 - started : started);
        ++started;
      }
      for (const auto& b : active_) advance(*b, active_.size() == 1 ? std::uint64_t{1} << 20 : std::uint64_t{1000});
      const auto ended = std::stable_partition(active_.begin(), active_.end(), [](const auto& b) { return !b->done(); });
      if (ended != active_.end()) last_end = run_.instructions;
      for (auto b = ended; b != active_.end(); ++b) finish(std::move(*b));
      active_.erase(ended, active_.end());
      if (run_.instructions - last_end > patience * together) ++together;
      if (run_.instructions > get_settings().instructions) {
        warp& w = *active_.front()->warps.front();
        w.fault("a kernel that has not ended after " + std::to_string(run_.instructions) +
                " warp instructions; threads wait for what never comes");
      }
    }
    note_run(run_.what, run_.instructions, rounds_);
  }

 private:
  void start(std::uint64_t number) {
    std::unique_ptr<block_run> b;
    if (spare_.empty()) {
      b = make();
    } else {
      b = std::move(spare_.back());
      spare_.pop_back();
    }
    const launch& l = run_.what;
    b->number = number;
    b->place = place_of(number, l.grid);
    std::fill(b->shared.begin(), b->shared.end(), std::byte{0xFF});
    const std::uint64_t threads = l.block.count();
    for (const auto& w : b->warps) {
      const std::uint64_t left = threads - static_cast<std::uint64_t>(w->number * warp_size);
      w->alive = left >= warp_size ? all_lanes : (lane_mask{1} << left) - 1;
      w->at_barrier = w->at_meeting = w->carry = 0;
      w->at.fill(0);
      w->control_rounds = w->store_rounds = 0;
      std::fill(w->rounds.begin(), w->rounds.end(), 0);
      std::fill(w->local.begin(), w->local.end(), std::byte{0xFF});
      for (const auto& [r, what] : l.code->specials)
        for (int lane = 0; lane < warp_size; ++lane) w->lanes_of(r)[lane] = special_value(*w, what, lane);
    }
    active_.push_back(std::move(b));
  }

  std::unique_ptr<block_run> make() {
    const launch& l = run_.what;
    const kernel& k = *l.code;
    auto b = std::make_unique<block_run>();
    b->shared.resize(round_up(k.shared_bytes, 16) + l.dynamic_shared_bytes);
    for (std::uint64_t n = 0; n < round_up(l.block.count(), warp_size) / warp_size; ++n) {
      auto w = std::make_unique<warp>(warp{run_, *b, static_cast<int>(n)});
      w->registers.assign(static_cast<std::size_t>(k.registers) * warp_size, 0xDEADBEEFDEADBEEF);
      // An odd number of cache lines, so that the same address of all lanes does not fall into one set of a cache.
      w->local_stride = ((k.local_bytes / 64 + 1) | 1) * 64;
      w->local.resize(w->local_stride * warp_size);
      if (run_.counts_rounds) w->rounds.resize(static_cast<std::size_t>(k.registers));
      for (const auto& [r, value] : k.constants) std::fill_n(w->lanes_of(r), warp_size, value);
      b->warps.push_back(std::move(w));
    }
    return b;
  }

  void advance(block_run& b, std::uint64_t slice) {
    const std::uint64_t before = run_.instructions;
    if (get_settings().reversed)
      for (auto w = b.warps.rbegin(); w != b.warps.rend(); ++w) (*w)->run(slice);
    else
      for (const auto& w : b.warps) w->run(slice);
    if (b.release_barriers() || run_.instructions != before || b.done()) return;
    for (const auto& w : b.warps)
      if (w->at_barrier != 0) {
        const int lane = first_lane(w->at_barrier);
        w->present = &run_.what.code->code[static_cast<std::size_t>(w->at[static_cast<std::size_t>(lane)])];
        w->present_lanes = w->at_barrier;
        w->fault("a deadlock: threads wait at a barrier that others never reach", lane);
      }
  }

  void finish(std::unique_ptr<block_run> b) {
    for (const auto& w : b->warps) rounds_ = std::max({rounds_, w->control_rounds, w->store_rounds});
    spare_.push_back(std::move(b));
  }

  grid_run run_;
  std::vector<std::unique_ptr<block_run>> active_, spare_;
  std::uint32_t rounds_ = 0;
};

}  // namespace

void run_grid(const launch& what) {
  // The device has its own modes of rounding and of subnormal numbers.
  std::fenv_t host;
  std::fegetenv(&host);
  std::fesetenv(FE_DFL_ENV);
  grid_scheduler{what}.run();
  std::fesetenv(&host);
}

}  // namespace cuda_on_cpu
