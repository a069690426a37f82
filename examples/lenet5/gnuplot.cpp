// SPDX-License-Identifier: MIT
#include "gnuplot.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>

#include <typenet/core/error.hpp>

extern char** environ;

namespace lenet5 {
namespace {

struct closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using file = std::unique_ptr<std::FILE, closer>;

[[noreturn]] void fail(const std::string& what, int error) {
  throw typenet::file_error("gnuplot: " + what + (error != 0 ? std::string{": "} + std::strerror(error) : std::string{}));
}

/// A file without a name. It is gone when it is closed, on every path.
file temporary_file() {
  file f{std::tmpfile()};
  if (!f) fail("cannot create a temporary file", errno);
  return f;
}

}  // namespace

std::string run_gnuplot(const std::string& script) {
  const file in = temporary_file(), out = temporary_file();
  if (std::fwrite(script.data(), 1, script.size(), in.get()) != script.size() || std::fflush(in.get()) != 0)
    fail("cannot write a temporary file", errno);
  std::rewind(in.get());

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, fileno(in.get()), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, fileno(out.get()), STDOUT_FILENO);
  std::array<char, 8> program{"gnuplot"};
  std::array<char, 19> option{"--default-settings"};  // without the user's own start-up files
  const std::array<char*, 3> arguments{program.data(), option.data(), nullptr};
  pid_t child = 0;
  const int failure = posix_spawnp(&child, program.data(), &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failure != 0) fail("cannot be run; is it installed (Debian: gnuplot-nox)?", failure);
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) fail("cannot be waited for", errno);

  std::rewind(out.get());
  std::string picture;
  std::array<char, 65536> buffer;
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), out.get())) picture.append(buffer.data(), n);
  const bool failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0 || picture.find("</svg>") == std::string::npos;
  if (failed) fail("it drew no picture (Debian's package is gnuplot-nox)", 0);
  return picture;
}

}  // namespace lenet5
