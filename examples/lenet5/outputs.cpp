// SPDX-License-Identifier: MIT
#include "outputs.hpp"

#include <charconv>
#include <fstream>
#include <system_error>

#include <typenet/core/error.hpp>
#include <typenet/io/atomic_file.hpp>

namespace lenet5 {
namespace {

namespace fs = std::filesystem;
namespace tn = typenet;

/// True if the name is taken, if only by a link that leads nowhere.
bool is_taken(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(file, ignored));
}

bool is_same_file(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return !a.empty() && fs::equivalent(a, b, ignored);
}

/// The first of FILE, FILE-2, FILE-3 ... that is not taken. The number stands before the extension.
fs::path free_name(const fs::path& file) {
  fs::path free = file;
  for (int number = 2; is_taken(free); ++number)
    free.replace_filename(file.stem().string() + "-" + std::to_string(number) + file.extension().string());
  return free;
}

void create_folder_of(const fs::path& file) {
  const fs::path folder = file.parent_path();
  std::error_code failure;
  if (!folder.empty() && !fs::is_directory(folder, failure) && !fs::create_directories(folder, failure) && failure)
    throw tn::file_error(folder.string() + ": this folder cannot be created: " + failure.message());
}

}  // namespace

fs::path checkpoint_path(const settings& s, const std::string& name) {
  if (s.output.empty() && !s.resume.empty()) return s.resume;
  fs::path file = s.output.empty() ? fs::path{"runs"} / name : s.output;
  const bool is_folder = fs::is_directory(file) || !file.has_filename();
  if (is_folder) file /= name;
  if (s.overwrite || is_same_file(s.resume, file)) return file;
  if (s.output.empty() || is_folder) return free_name(file);
  if (is_taken(file))
    throw tn::argument_error(file.string() + ": exists, and may hold a finished training; --resume " + file.string() +
                             " goes on with it, --output names another file, --overwrite replaces it");
  return file;
}

void require_writable(const fs::path& file) {
  create_folder_of(file);
  tn::atomic_file{file};
}

bool continue_log(const settings& s, std::string_view title, tn::index done) {
  std::error_code none;
  if (!fs::is_regular_file(s.log, none) || fs::file_size(s.log) == 0) {  // also a device, to which lines are appended
    create_folder_of(s.log);
    return false;
  }
  if (s.resume.empty()) {
    if (!s.overwrite)
      throw tn::argument_error(s.log.string() +
                               ": exists; name another file with --log, or replace the log and the checkpoint by --overwrite");
    fs::resize_file(s.log, 0);
    return false;
  }
  std::ifstream in{s.log};
  std::string line, kept;
  bool complete = true;
  if (!std::getline(in, line) || line != title)
    throw tn::file_error(s.log.string() + ": cannot go on with this file: it does not begin with '" + std::string{title} +
                         "'; name another file with --log");
  kept = line + "\n";
  // A training that was killed has logged more steps than its checkpoint has, and its last line may be incomplete.
  while (std::getline(in, line)) {
    tn::index step = 0;
    const bool whole = !in.eof() && std::from_chars(line.data(), line.data() + line.size(), step).ec == std::errc{} && step <= done;
    if (whole) kept += line + "\n";
    complete = complete && whole;
  }
  in.close();
  if (!complete) {
    tn::atomic_file file{s.log};
    file.write(kept);
    file.commit();
  }
  return true;
}

void write_text(const fs::path& path, const std::string& text) {
  if (fs::is_symlink(fs::symlink_status(path)))
    throw tn::file_error(path.string() + ": is not written, because it is a link, which may lead out of its folder; remove the link");
  create_folder_of(path);
  tn::atomic_file file{path};
  file.write(text);
  file.commit();
}

}  // namespace lenet5
