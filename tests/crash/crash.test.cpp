// SPDX-License-Identifier: MIT
// Kills training at random moments, half of them within a save, and resumes it. There is a complete checkpoint at any time, no save is
// lost, the final file has the bits of a training that was not interrupted, and the next save sweeps what a killed one left. TYPENET_KILLS
// sets the number of kills of each program; `tests/run.sh --crash` sets 300.
#include <doctest/doctest.h>

#include <typenet/io/atomic_file.hpp>

#if TYPENET_POSIX_FILES

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <typenet/io.hpp>
#include <typenet/typenet.hpp>

#include "../io/scratch_folder.hpp"
#if defined(TYPENET_LENET5)
#include "../examples/workplace.hpp"
#endif

namespace tn = typenet;
namespace fs = std::filesystem;

namespace {

using clock_type = std::chrono::steady_clock;

std::string contents(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// The names in a folder, except the checkpoint's.
std::set<std::string> others_beside(const fs::path& checkpoint) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator{checkpoint.parent_path()}) names.insert(entry.path().filename().string());
  names.erase(checkpoint.filename().string());
  return names;
}

/// The steps that a checkpoint has behind it; 0 where there is no file.
/// @throws file_error unless the file is complete
std::int64_t updates_in(const fs::path& checkpoint) {
  if (!fs::exists(checkpoint)) return 0;
  tn::safetensors_reader in{checkpoint};
  for (const tn::tensor_info& tensor : in.tensors()) static_cast<void>(in.read_bytes(tensor.name));
  return in.read<std::int64_t>("training.counters").at(0);
}

/// Runs `program` in a process of its own. It ends by `_exit` or a signal, and never returns.
pid_t start(const std::function<void()>& program) {
  std::fflush(nullptr);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    program();
    _exit(127);
  }
  return child;
}

/// The status of a process that has ended.
int wait_for(pid_t child) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}
/// Whether a process has ended by itself; its status is then in `status`.
bool has_ended(pid_t child, int& status) { return waitpid(child, &status, WNOHANG) == child; }

/// Where a kill struck.
struct tally {
  int kills = 0;
  int within_save = 0;  ///< kills that left the file of an unfinished save
};

/// A training, and how to kill it.
class victim {
 public:
  /// @param train trains, resumes from `checkpoint` where it exists, and saves to it many times
  victim(fs::path checkpoint, std::function<void()> train) : checkpoint_{std::move(checkpoint)}, train_{std::move(train)} {}

  /// Trains without interruption. @returns the final checkpoint
  std::string straight() {
    const auto begin = clock_type::now();
    const int status = wait_for(start(train_));
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
    CHECK(others_beside(checkpoint_).empty());
    duration_ = clock_type::now() - begin;
    std::string final = contents(checkpoint_);
    fs::remove(checkpoint_);
    return final;
  }

  /// Kills training `kills` times. A training that gets to its end is compared with `expected`, and begins anew.
  tally kill(int kills, const std::string& expected) {
    tn::random_sequence random{tn::counter_rng{tn::seed{1}, tn::random_stream::user}, 0, 0};
    tally all;
    int completed = 0;
    // The last training is not killed, so that at least one gets to its end.
    while (all.kills < kills || completed == 0) {
      const std::int64_t before = updates_in(checkpoint_);
      const std::set<std::string> left = others_beside(checkpoint_);
      const bool harmless = all.kills >= kills;
      int status = 0;
      const pid_t child = start(train_);
      const bool ended = harmless ? (status = wait_for(child), true) : strike(child, all.kills % 2 == 0, random.uniform(0, 1), status);
      if (ended) {
        REQUIRE(WIFEXITED(status));
        REQUIRE(WEXITSTATUS(status) == 0);
        CHECK(contents(checkpoint_) == expected);
        CHECK(others_beside(checkpoint_).empty());
        fs::remove(checkpoint_);
        ++completed;
        continue;
      }
      ++all.kills;
      std::int64_t after = 0;
      REQUIRE_NOTHROW(after = updates_in(checkpoint_));
      CHECK(after >= before);
      const std::set<std::string> now = others_beside(checkpoint_);
      const auto is_old = [&](const std::string& name) { return left.contains(name); };
      all.within_save += !std::all_of(now.begin(), now.end(), is_old);
      // At most the file of the save that was killed. A training that has saved has swept what it found.
      if (after > before) CHECK(std::none_of(now.begin(), now.end(), is_old));
      CHECK(std::count_if(now.begin(), now.end(), [&](const std::string& name) { return !is_old(name); }) <= 1);
    }
    return all;
  }

 private:
  /// Kills a process: within a save, or at any time.
  /// @param when the moment, 0 to 1
  /// @returns true where it ended before
  bool strike(pid_t child, bool within_save, float when, int& status) const {
    const std::set<std::string> found = others_beside(checkpoint_);
    const auto until = clock_type::now() + std::chrono::duration_cast<clock_type::duration>(when * duration_);
    // Half of the time is left for the save to come.
    const auto moment = within_save ? clock_type::now() + (until - clock_type::now()) / 2 : until;
    while (clock_type::now() < moment || (within_save && is_quiet(found))) {
      if (has_ended(child, status)) return true;
      std::this_thread::sleep_for(std::chrono::microseconds{20});
    }
    ::kill(child, SIGKILL);
    status = wait_for(child);
    return WIFEXITED(status);
  }
  /// Whether no save is going on: the folder has no file that `found` lacks.
  [[nodiscard]] bool is_quiet(const std::set<std::string>& found) const {
    try {
      const std::set<std::string> now = others_beside(checkpoint_);
      return std::includes(found.begin(), found.end(), now.begin(), now.end());
    } catch (const fs::filesystem_error&) {
      return true;  // the folder has changed meanwhile
    }
  }

  fs::path checkpoint_;
  std::function<void()> train_;
  std::chrono::duration<double> duration_{};
};

int wanted_kills(int few) {
  const char* const text = std::getenv("TYPENET_KILLS");
  return text != nullptr ? std::max(1, std::atoi(text)) : few;
}

void check_killing(victim& v, int kills) {
  const std::string expected = v.straight();
  REQUIRE(expected.size() > 1000);
  const tally all = v.kill(kills, expected);
  MESSAGE(all.kills << " kills, " << all.within_save << " of them within a save");
  CHECK(all.kills == kills);
  // Most of the kills that wait for a save strike within it; a fast disk ends some saves before.
  CHECK(all.within_save >= kills / 8);
}

using network =
    tn::network<tn::input<1, 12, 12>, tn::flatten, tn::linear<64>, tn::batch_norm<>, tn::relu, tn::dropout<0.2>, tn::linear<10>>;
using data_set = tn::tensor_dataset<tn::shape{1, 12, 12}, 10>;

/// Trains, and saves every third step and after every epoch.
[[noreturn]] void train(const fs::path& checkpoint) {
  int status = 0;
  try {
    std::vector<float> images;
    std::vector<int> labels;
    tn::random_sequence random{tn::counter_rng{tn::seed{1}, tn::random_stream::user}, 0, 0};
    for (int i = 0; i < 50; ++i) {
      labels.push_back(i % 10);
      for (int p = 0; p < 144; ++p) images.push_back((p / 12 == i % 10 ? 1.0f : 0.0f) + random.uniform(-0.5f, 0.5f));
    }
    const data_set data{std::move(images), std::move(labels)};
    tn::model<network> model{tn::seed{9}};
    std::function<void()> save;
    int steps = 0;
    tn::trainer trainer{model, tn::cross_entropy{}, tn::adam{.learning_rate = 1e-3},
                        tn::fit_options{.epochs = 5,
                                        .batch_size = 4,
                                        .threads = 1,
                                        .on_epoch =
                                            [&](const tn::epoch_report&) {
                                              save();
                                              return tn::control::proceed;
                                            },
                                        .on_step =
                                            [&](const tn::step_report& r) {
                                              if (r.samples < r.total && ++steps % 3 == 0) save();
                                              return tn::control::proceed;
                                            },
                                        .keep_best = true}};
    save = [&] { tn::save_checkpoint(checkpoint, trainer); };
    if (fs::exists(checkpoint)) tn::load_checkpoint(checkpoint, trainer);
    trainer.fit(data);
    save();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    status = 1;
  }
  _exit(status);
}

}  // namespace

TEST_CASE("a program killed at any moment resumes to the same bits and leaves no litter") {
  const scratch_folder folder;
  const fs::path checkpoint = folder / "c.safetensors";
  victim v{checkpoint, [&] { train(checkpoint); }};
  check_killing(v, wanted_kills(10));
}

#if defined(TYPENET_LENET5)

TEST_CASE("lenet5 train killed at any moment resumes to the same bits and leaves no litter") {
  const example::workplace data;
  const scratch_folder folder;
  const fs::path checkpoint = folder / "c.safetensors";
  victim v{checkpoint, [&] {
             const int nowhere = ::open("/dev/null", O_WRONLY);
             ::dup2(nowhere, STDOUT_FILENO);
             std::vector<std::string> words{TYPENET_LENET5, "train",     "--data", data.folder.string(), "--epochs",
                                            "12",           "--threads", "1",      "--output",           checkpoint.string()};
             if (fs::exists(checkpoint)) words.insert(words.end(), {"--resume", checkpoint.string()});
             std::vector<char*> arguments;
             for (std::string& word : words) arguments.push_back(word.data());
             arguments.push_back(nullptr);
             ::execv(arguments[0], arguments.data());
           }};
  check_killing(v, wanted_kills(4));
}

#endif

#endif
