// SPDX-License-Identifier: MIT
// Runs get-data.sh with stand-ins for curl, npm and sha256sum. A data file here holds its own checksum, which the stand-in prints.
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <utility>

#include "workplace.hpp"

using namespace example;

namespace {

struct data_file {
  const char *name, *sum;
};
constexpr std::array<data_file, 4> mnist_files{
    {{"train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
     {"train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
     {"t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
     {"t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}}};

/// A place with stand-ins for the programs that get-data.sh runs, and an empty cache.
struct mirror : workplace {
  mirror() : workplace{1, 1} {
    for (const data_file& file : mnist_files) put(std::string{"mirror/"} + file.name, file.sum);
    shell_ok("gzip -k mirror/*");
    program("sha256sum", "cat");
    program("npm", "exit 1");
    // The last argument is the address, the one after -o the file.
    program("curl", "while [ $# -gt 1 ]; do if [ \"$1\" = -o ]; then out=$2; fi; shift; done; cp \"$HERE/mirror/${1##*/}\" \"$out\"");
    fs::create_directory(folder / "cache");
  }
  void shell_ok(const std::string& command) const {
    const auto done = shell(command);
    CAPTURE(done.text);
    REQUIRE(done.status == 0);
  }
  void program(const std::string& name, const std::string& body) const {
    put("bin/" + name, "#!/bin/sh\n" + body + "\n");
    fs::permissions(folder / "bin" / name, fs::perms::owner_all);
  }
  [[nodiscard]] std::string command(const std::string& arguments = {}) const {
    return "HERE=$PWD PATH=$PWD/bin:$PATH TYPENET_DATA=$PWD/cache bash '" TYPENET_EXAMPLES "/get-data.sh' mnist " + arguments;
  }
  /// Whether the cache has an unfinished download.
  [[nodiscard]] bool has_litter() const {
    for (const auto& entry : fs::directory_iterator{folder / "cache"})
      if (entry.path().filename().string().starts_with(".")) return true;
    return false;
  }
};

}  // namespace

TEST_CASE("get-data.sh fetches the files once, whatever CDPATH is") {
  const mirror here;
  for (int i = 0; i < 2; ++i) {
    const auto fetched = here.shell("export CDPATH=$PWD/cache:$PWD; " + here.command("2>log"));
    CHECK(fetched.status == 0);
    CHECK(fetched.text == (here.folder / "cache/mnist").string() + "\n");
    CHECK(mentions(here.bytes("log"), i == 0 ? "trying https://" : "mnist is in "));
  }
  for (const data_file& file : mnist_files) CHECK(here.bytes(std::string{"cache/mnist/"} + file.name) == file.sum);
  CHECK_FALSE(here.has_litter());
  const auto relative = here.shell("export CDPATH=$PWD; " + here.command("--folder mirror 2>log"));
  CHECK(relative.text == (here.folder / "mirror").string() + "\n");
}

TEST_CASE("get-data.sh refuses a folder where a data file belongs") {
  const mirror here;
  fs::create_directories(here.folder / "cache/mnist/train-images-idx3-ubyte");
  const auto refused = here.shell(here.command());
  CHECK(refused.status == 1);
  CHECK(mentions(refused.text, "train-images-idx3-ubyte is a folder, where a file is needed; remove it"));
  CHECK(fs::is_empty(here.folder / "cache/mnist/train-images-idx3-ubyte"));
}

TEST_CASE("get-data.sh takes neither a file without end nor one that becomes so") {
  const mirror here;
  here.program("curl", "while [ $# -gt 1 ]; do if [ \"$1\" = -o ]; then out=$2; fi; shift; done; exec cat /dev/zero >\"$out\"");
  const auto endless = here.shell("ulimit -c 0; " + here.command());
  CHECK(endless.status == 1);
  CHECK(mentions(endless.text, "could not be fetched from here"));
  CHECK_FALSE(here.has_litter());

  // 1 GB of zeros in a file of 1 MB: no more of it is read than the largest data file has.
  here.program("gzip", "head -c 1000000000 /dev/zero && touch \"$HERE/read\"");
  const auto bomb = here.shell(here.command("--folder mirror"));
  CHECK(bomb.status == 0);  // the plain files come first
  for (const data_file& file : mnist_files) fs::remove(here.folder / "mirror" / file.name);
  CHECK(here.shell(here.command("--folder mirror")).status == 1);
  CHECK_FALSE(fs::exists(here.folder / "read"));
}

TEST_CASE("get-data.sh ends at once on a signal, and sweeps what a killed one left") {
  const mirror here;
  // Sleeps in a child, as npm does.
  here.program("curl", "sleep 20 & echo $! >\"$HERE/sleeping\"; touch \"$HERE/started\"; wait");
  const std::string start = here.command("2>/dev/null & pid=$!; while [ ! -e started ]; do sleep 0.02; done; rm started; ");
  for (const auto& [signal, status] : {std::pair{"TERM", 143}, std::pair{"HUP", 129}}) {
    CAPTURE(signal);
    const auto begin = std::chrono::steady_clock::now();
    CHECK(here.shell(start + "kill -" + signal + " $pid; wait $pid").status == status);
    // The child that sleeps keeps the output open, so that its end is waited for.
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{10});
    CHECK_FALSE(here.has_litter());
  }
  CHECK(here.shell(start + "kill -KILL $pid; wait $pid; kill $(cat sleeping)").status == 0);
  CHECK(here.has_litter());
  fs::create_directories(here.folder / "cache/.mnist.elsewhere.1.abcdef");  // of another machine
  here.program("curl", "exit 1");
  CHECK(here.shell(here.command()).status == 1);
  CHECK(fs::remove(here.folder / "cache/.mnist.elsewhere.1.abcdef"));
  CHECK_FALSE(here.has_litter());
}
