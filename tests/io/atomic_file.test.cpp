// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <typenet/io/atomic_file.hpp>
#include <vector>

#include "scratch_folder.hpp"

#if TYPENET_POSIX_FILES
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#endif

namespace tn = typenet;
namespace fs = std::filesystem;

namespace {

std::string contents(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}
void put(const fs::path& path, const std::string& text) { std::ofstream{path, std::ios::binary} << text; }
std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator{folder}, fs::directory_iterator{}));
}

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const tn::file_error& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a file appears when it is committed") {
  const scratch_folder folder;
  const fs::path path = folder / "new file.bin";
  tn::atomic_file file{path};
  file.write("first, ");
  file.write(std::span<const std::byte>{});
  const std::array<char, 3> more{'a', '\0', 'b'};
  file.write(std::span{more});
  CHECK_FALSE(fs::exists(path));
  file.commit();
  CHECK(contents(path) == std::string{"first, a\0b", 10});
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("without commit nothing is left, and the old file stays") {
  const scratch_folder folder;
  put(folder / "old", "as it was");
  {
    tn::atomic_file replaced{folder / "old"}, fresh{folder / "fresh"};
    replaced.write("something else");
    fresh.write("something");
    CHECK(files_in(folder.path()) == 3);
  }
  CHECK(files_in(folder.path()) == 1);
  CHECK(contents(folder / "old") == "as it was");
}

TEST_CASE("a shorter file replaces a longer one completely") {
  const scratch_folder folder;
  put(folder / "old", "a long text");
  tn::atomic_file file{folder / "old"};
  file.write("short");
  file.commit();
  CHECK(contents(folder / "old") == "short");
}

TEST_CASE("large files are written whole") {
  const scratch_folder folder;
  std::vector<std::uint32_t> numbers(500'000);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::uint32_t>(i * i);
  tn::atomic_file file{folder / "large"};
  file.write(std::span{numbers});
  file.commit();
  const std::string text = contents(folder / "large");
  CHECK(text == std::string{reinterpret_cast<const char*>(numbers.data()), 4 * numbers.size()});
}

TEST_CASE("two writers of one file do not meet") {
  const scratch_folder folder;
  tn::atomic_file one{folder / "file"}, two{folder / "file"};
  one.write("one");
  two.write("two");
  two.commit();
  CHECK(contents(folder / "file") == "two");
  one.commit();
  CHECK(contents(folder / "file") == "one");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("temporary files of writers that were killed are removed, those of others stay") {
  const scratch_folder folder;
  const auto target = folder.path() / "weights", other = folder.path() / "weights.tmp-12x", older = folder.path() / "weights.tmp-123";
  for (const auto& path : {other, older}) std::ofstream{path} << "left behind";
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    tn::atomic_file killed{target};
    killed.write("half");
    kill(getpid(), SIGKILL);
  }
  REQUIRE(waitpid(child, nullptr, 0) == child);
  CHECK(files_in(folder.path()) == 2);
  tn::atomic_file alive{target};
  alive.write("first");
  {
    tn::atomic_file second{target};  // sweeps what is dead, and leaves what is being written
    second.write("second");
    CHECK(files_in(folder.path()) == 3);
    second.commit();
  }
  alive.commit();
  CHECK(files_in(folder.path()) == 2);
  CHECK(std::filesystem::exists(other));
  CHECK_FALSE(std::filesystem::exists(older));
}

TEST_CASE("a committed file takes no more") {
  const scratch_folder folder;
  tn::atomic_file file{folder / "file"};
  file.commit();
  CHECK(contents(folder / "file").empty());
  CHECK_THROWS_AS(file.write("late"), tn::file_error);
  CHECK_THROWS_AS(file.commit(), tn::file_error);
  CHECK(contents(folder / "file").empty());
}

TEST_CASE("what cannot be written says so") {
  const scratch_folder folder;
  const fs::path nowhere = folder / "no such folder" / "file";
  const std::string message = message_of([&] { tn::atomic_file{nowhere}; });
  CHECK(message == nowhere.string() + ": cannot be created: No such file or directory");
  CHECK(message_of([&] { tn::atomic_file{folder.path()}; }) == folder.path().string() + ": cannot be written: it is not a regular file");
  CHECK(message_of([&] { tn::atomic_file{folder.path() / ""}; }).find("cannot be written") != std::string::npos);
  CHECK_THROWS_AS(tn::atomic_file{fs::path{}}, tn::file_error);
  CHECK(files_in(folder.path()) == 0);
}

TEST_CASE("a folder that takes the name meanwhile is left alone") {
  const scratch_folder folder;
  tn::atomic_file file{folder / "name"};
  file.write("text");
  fs::create_directory(folder / "name");
  put(folder / "name" / "inside", "");
  CHECK(message_of([&] { file.commit(); }).find("cannot be put in place: ") != std::string::npos);
  CHECK(fs::is_directory(folder / "name"));
  CHECK(files_in(folder.path()) == 1);
}

#if TYPENET_POSIX_FILES

TEST_CASE("permissions pass on, links are followed, devices are not replaced") {
  const scratch_folder folder;
  put(folder / "target", "old");
  fs::permissions(folder / "target", fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  fs::create_symlink("target", folder / "link");
  tn::atomic_file file{folder / "link"};
  file.write("new");
  file.commit();
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(contents(folder / "target") == "new");
  CHECK(fs::status(folder / "target").permissions() == (fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read));
  CHECK_THROWS_AS(tn::atomic_file{"/dev/null"}, tn::file_error);

  fs::create_symlink("not there yet", folder / "dangling");
  tn::atomic_file created{folder / "dangling"};
  created.write("now");
  created.commit();
  CHECK(fs::is_symlink(folder / "dangling"));
  CHECK(contents(folder / "not there yet") == "now");

  fs::create_symlink("circle", folder / "circle");
  CHECK(message_of([&] { tn::atomic_file{folder / "circle"}; }).find("cannot be written: ") != std::string::npos);
}

TEST_CASE("a disk that is full leaves the old file and no litter") {
  const scratch_folder folder;
  put(folder / "file", "as it was");
  // A limit on the file length fails as a full disk does.
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit tight = before;
  tight.rlim_cur = 4096;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &tight) == 0);
  const std::vector<char> large(1'000'000);
  const std::string while_writing = message_of([&] {
    tn::atomic_file file{folder / "file"};
    file.write(std::span{large});
    file.commit();
  });
  const std::string while_flushing = message_of([&] {
    tn::atomic_file file{folder / "file"};
    file.write(std::span{large}.first(4000));
    file.write(std::span{large}.first(200));
    file.commit();
  });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  CHECK(while_writing == (folder / "file").string() + ": cannot be written: File too large");
  CHECK(while_flushing == while_writing);
  CHECK(contents(folder / "file") == "as it was");
  CHECK(files_in(folder.path()) == 1);
}

#endif
