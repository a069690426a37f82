// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include <typenet/core/error.hpp>

#include "../../examples/lenet5/outputs.hpp"
#include "../../examples/lenet5/suggestion.hpp"
#include "workplace.hpp"

using namespace example;
using namespace lenet5;

TEST_CASE("a new checkpoint takes a free name, and replaces none unless that is asked for") {
  const workplace here;
  settings s;
  s.output = here.folder;
  const std::string name = "modern-mnist-seed42.safetensors";
  CHECK(checkpoint_path(s, name) == here.folder / name);
  here.put(name, "a result");
  CHECK(checkpoint_path(s, name) == here.folder / "modern-mnist-seed42-2.safetensors");
  fs::create_symlink("nowhere", here.folder / "modern-mnist-seed42-2.safetensors");
  CHECK(checkpoint_path(s, name) == here.folder / "modern-mnist-seed42-3.safetensors");
  s.output = here.folder / name;
  CHECK_THROWS_WITH_AS((void)checkpoint_path(s, name), doctest::Contains("--resume"), typenet::argument_error);
  s.output = here.folder / "other.safetensors";
  CHECK(checkpoint_path(s, name) == s.output);

  // A resumed training goes on with its file, by either name.
  s.resume = here.folder / name;
  s.output = here.folder / "." / name;
  CHECK(checkpoint_path(s, name) == s.output);
  s.output.clear();
  CHECK(checkpoint_path(s, name) == s.resume);
  s.resume.clear();
  s.overwrite = true;
  s.output = here.folder / name;
  CHECK(checkpoint_path(s, name) == s.output);
  CHECK(here.bytes(name) == "a result");
}

TEST_CASE("an output that cannot be written is known before it is") {
  const workplace here;
  here.put("file", "");
  CHECK_THROWS_WITH_AS(require_writable(here.folder / "file" / "x"), doctest::Contains("cannot be created"), typenet::file_error);
  CHECK_THROWS_AS(require_writable(here.folder), typenet::file_error);
  CHECK_NOTHROW(require_writable(here.folder / "new" / "x"));
  CHECK(fs::is_empty(here.folder / "new"));
}

TEST_CASE("a log is continued from the step of its checkpoint") {
  const workplace here;
  settings s;
  s.log = here.folder / "log.csv";
  CHECK_FALSE(continue_log(s, "step,loss", 0));
  here.put("log.csv", "step,loss\n50,1\n100,2\n150,3\n20");
  CHECK_THROWS_WITH_AS((void)continue_log(s, "step,loss", 0), doctest::Contains("--overwrite"), typenet::argument_error);
  s.resume = "x";
  CHECK(continue_log(s, "step,loss", 120));
  CHECK(here.bytes("log.csv") == "step,loss\n50,1\n100,2\n");
  CHECK_THROWS_WITH_AS((void)continue_log(s, "other", 120), doctest::Contains("does not begin with 'other'"), typenet::file_error);
  s.resume.clear();
  s.overwrite = true;
  CHECK_FALSE(continue_log(s, "step,loss", 0));
  CHECK(here.bytes("log.csv").empty());
}

TEST_CASE("results are not written through links") {
  const workplace here;
  here.put("victim", "precious");
  fs::create_symlink("victim", here.folder / "results.md");
  CHECK_THROWS_WITH_AS(write_text(here.folder / "results.md", "x"), doctest::Contains("is a link"), typenet::file_error);
  CHECK(here.bytes("victim") == "precious");
  write_text(here.folder / "deep" / "results.md", "x");
  CHECK(here.bytes("deep/results.md") == "x");
}

TEST_CASE("a misspelt name gets a suggestion") {
  CHECK(edit_distance("trian", "train") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(suggestion("trian", {"evaluate", "train"}) == " (did you mean 'train'?)");
  CHECK(suggestion("--epoch", {"--seed", "--epochs"}) == " (did you mean '--epochs'?)");
  CHECK(suggestion("resnet", {"modern", "softmax", "e1"}).empty());
  CHECK(suggestion("", {"e1"}).empty());
  CHECK(suggestion(std::string(100'000, 'x'), {"e1"}).empty());
}
