// SPDX-License-Identifier: MIT
// Files that cannot be written or read: a full disk, a folder that is read-only or of another user, a pipe. Saving then throws with the
// file's name and the reason, and leaves the old file and no other. Each case runs in a process of its own, whose rights and mounts it may
// change.
#include <doctest/doctest.h>

#include <typenet/io/atomic_file.hpp>

#if TYPENET_POSIX_FILES

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#if defined(__linux__)
#include <sched.h>
#include <sys/mount.h>
#endif

#include <typenet/data/idx.hpp>
#include <typenet/io.hpp>
#include <typenet/typenet.hpp>

#include "../io/scratch_folder.hpp"

namespace tn = typenet;
namespace fs = std::filesystem;

namespace {

// A checkpoint of half a megabyte.
using network = tn::network<tn::input<1, 16, 16>, tn::flatten, tn::linear<160>, tn::relu, tn::linear<2>>;
using model = tn::model<network>;
using trainer = tn::trainer<model, tn::cross_entropy, tn::adam>;

std::string contents(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}
std::ptrdiff_t files_in(const fs::path& folder) { return std::distance(fs::directory_iterator{folder}, fs::directory_iterator{}); }

/// The answer of a process that cannot get into the situation to be tested.
const std::string not_possible = "not possible here";

/// Runs `f` in a process of its own.
/// @returns the text that `f` returns, or how the process ended instead; "hangs" after ten seconds
std::string in_process(const std::function<std::string()>& f) {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  std::fflush(nullptr);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(10);
    std::string text;
    try {
      text = f();
    } catch (const std::exception& e) {
      text = e.what();
    }
    const ssize_t written = write(ends[1], text.data(), text.size());
    _exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string text;
  std::array<char, 1024> buffer;
  for (ssize_t n = 0; (n = read(ends[0], buffer.data(), buffer.size())) > 0;) text.append(buffer.data(), static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGALRM ? "hangs" : "killed by signal " + std::to_string(WTERMSIG(status));
  return text;
}

/// The message of a `file_error`, or "no error".
std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const tn::file_error& e) {
    return e.what();
  }
  return "no error";
}

/// A folder with a checkpoint of a trainer.
struct workplace {
  scratch_folder folder;
  fs::path file = folder / "c.safetensors";
  model m{tn::seed{1}};
  trainer t{m, {}, {}, tn::fit_options{.threads = 1}};
  workplace() { tn::save_checkpoint(file, t); }

  /// Saves to a file that is there, and to one that is not. @returns what went wrong; both messages have to give one reason
  [[nodiscard]] std::string save() const {
    const std::string before = contents(file);
    const fs::path fresh = file.parent_path() / "fresh";
    const std::string old_refusal = refusal([&] { tn::save_checkpoint(file, t); });
    const std::string new_refusal = refusal([&] { tn::save_weights(fresh, m); });
    if (!old_refusal.starts_with(file.string() + ": ")) return "the message does not begin with the file's name: " + old_refusal;
    if (!new_refusal.starts_with(fresh.string() + ": ")) return "the message does not begin with the file's name: " + new_refusal;
    const std::string reason = old_refusal.substr(file.string().size() + 2);
    if (new_refusal.substr(fresh.string().size() + 2) != reason) return old_refusal + "; but " + new_refusal;
    if (contents(file) != before) return "the old file has changed";
    if (files_in(file.parent_path()) != 1) return "a file is left over";
    return reason;
  }
};

#if defined(__linux__)
/// Mounts a file system in memory on the folder, for this process alone.
/// @returns true where that is permitted
bool mount_memory(const fs::path& folder, const char* options) {
  if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  return mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 && mount("none", folder.c_str(), "tmpfs", 0, options) == 0;
}
#endif

/// Checks an answer, unless the situation is not possible.
void check_answer(const std::string& answer, const std::string& expected) {
  if (answer == not_possible)
    MESSAGE("left out: this user may not bring that about");
  else
    CHECK(answer == expected);
}

}  // namespace

TEST_CASE("a file longer than is allowed is refused") {
  const workplace here;
  const std::string answer = in_process([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit tight{50'000, 50'000};
    if (setrlimit(RLIMIT_FSIZE, &tight) != 0) return not_possible;
    return here.save();
  });
  check_answer(answer, "cannot be written: File too large");
}

TEST_CASE("a device is not written to") {
  const model m{tn::seed{1}};
  if (fs::exists("/dev/full"))
    CHECK(refusal([&] { tn::save_weights("/dev/full", m); }) == "/dev/full: cannot be written: it is not a regular file");
}

#if defined(__linux__)

TEST_CASE("a full disk is reported") {
  const workplace here;
  const std::string answer = in_process([&] {
    const std::string whole = contents(here.file);
    if (!mount_memory(here.folder.path(), "size=520k")) return not_possible;
    std::ofstream{here.file, std::ios::binary} << whole;
    return here.save();
  });
  check_answer(answer, "cannot be written: No space left on device");
}

TEST_CASE("a disk that is read-only is reported") {
  const workplace here;
  const std::string answer = in_process([&] {
    const std::string whole = contents(here.file);
    if (!mount_memory(here.folder.path(), "size=4m")) return not_possible;
    std::ofstream{here.file, std::ios::binary} << whole;
    if (mount(nullptr, here.folder.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) return not_possible;
    return here.save();
  });
  check_answer(answer, "cannot be created: Read-only file system");
}

#endif

TEST_CASE("a folder of another user is reported, and so is a file that may not be read") {
  const workplace here;
  const std::string saving = in_process([&] {
    chmod(here.folder.path().c_str(), 0555);
    // The administrator may write everywhere, so the process becomes a user who may not.
    if (geteuid() == 0 && seteuid(65534) != 0) return not_possible;
    return here.save();
  });
  check_answer(saving, "cannot be created: Permission denied");
  const std::string loading = in_process([&] {
    chmod(here.file.c_str(), 0);
    if (geteuid() == 0 && seteuid(65534) != 0) return not_possible;
    model m{tn::seed{2}};
    return refusal([&] { tn::load_weights(here.file, m); }) + "\n" +
           refusal([&] { static_cast<void>(tn::read_idx<std::uint8_t>(here.file)); });
  });
  check_answer(loading, here.file.string() + ": cannot be opened\n" + here.file.string() + ": cannot be opened: Permission denied");
  chmod(here.folder.path().c_str(), 0755);
}

TEST_CASE("a pipe is refused, and not waited for") {
  const scratch_folder folder;
  const fs::path pipe = folder / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  const auto is_refused = [&](const std::string& message) { return message.starts_with(pipe.string() + ": ") && message != "no error"; };
  model m{tn::seed{1}};
  CHECK(is_refused(in_process([&] { return refusal([&] { tn::save_weights(pipe, m); }); })));
  CHECK(is_refused(in_process([&] { return refusal([&] { tn::load_weights(pipe, m); }); })));
  CHECK(is_refused(in_process([&] { return refusal([&] { static_cast<void>(tn::read_idx<std::uint8_t>(pipe)); }); })));
}

#endif
