// SPDX-License-Identifier: MIT
/// @file
/// atomic_file: writes a file under a temporary name in the folder of its own, flushes it to the disk, then renames it. Readers see the
/// complete file, or the earlier one.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#define TYPENET_POSIX_FILES 1
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#define TYPENET_POSIX_FILES 0
#endif

#include <typenet/core/error.hpp>

namespace typenet {

/// Writes a file that appears under its name when `commit` returns. Where the object is destroyed before that, or after an error, it
/// removes the temporary file, and an earlier file stays as it was. The new file takes over the permissions of an earlier file. Symbolic
/// links are followed. Temporary files that killed programs have left of the same file are removed.
class atomic_file {
 public:
  /// @throws file_error if no file can be created in that folder, or the name belongs to something other than a regular file
  explicit atomic_file(std::filesystem::path path) : path_{std::move(path)} {
    namespace fs = std::filesystem;
    std::error_code failure;
    target_ = path_;
    // The loop follows links itself, because a link may point to a file that does not exist yet.
    for (int links = 0; fs::is_symlink(fs::symlink_status(target_, failure)); ++links) {
      const fs::path next = fs::read_symlink(target_, failure);
      if (links == 40) failure = std::make_error_code(std::errc::too_many_symbolic_link_levels);
      if (failure) fail("cannot be written", failure);
      target_ = target_.parent_path() / next;
    }
    const fs::file_status status = fs::status(target_, failure);
    // Where the status cannot be read, the attempt to create the file reports the reason.
    const bool replaces = fs::exists(status) && status.type() != fs::file_type::unknown;
    if (replaces && !fs::is_regular_file(status)) throw file_error(name() + ": cannot be written: it is not a regular file");
    if (target_.filename().empty()) throw file_error(name() + ": cannot be written: it names no file");
    sweep();
    open();
    if (replaces) keep_permissions(status.permissions());
  }
  atomic_file(const atomic_file&) = delete;
  atomic_file& operator=(const atomic_file&) = delete;
  ~atomic_file() { discard(); }

  /// Appends bytes.
  /// @throws file_error if they cannot be written
  void write(std::span<const std::byte> bytes) {
    require_open();
    errno = 0;
    if (!bytes.empty() && std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) abandon("cannot be written");
  }
  /// Appends the bytes of an array.
  template <class T, std::size_t Extent>
    requires std::is_trivially_copyable_v<T>
  void write(std::span<T, Extent> values) {
    write(std::span<const std::byte>{std::as_bytes(values)});
  }
  /// Appends the bytes of a text.
  void write(std::string_view text) { write(std::span<const char>{text}); }

  /// Puts the file in its place. Nothing can be written afterwards.
  /// @throws file_error if that fails; an earlier file then stays
  void commit() {
    require_open();
    errno = 0;
    if (std::fflush(file_) != 0) abandon("cannot be written");
#if TYPENET_POSIX_FILES
    if (::fsync(::fileno(file_)) != 0) abandon("cannot be flushed to the disk");
#endif
#if !TYPENET_POSIX_FILES
    if (std::fclose(std::exchange(file_, nullptr)) != 0) abandon("cannot be written");
#endif
    std::error_code failure;
    std::filesystem::rename(temporary_, target_, failure);
    if (failure) {
      discard();
      fail("cannot be put in place", failure);
    }
    temporary_.clear();
    // The file stays open, and so locked, until it has its name.
    if (file_ != nullptr) std::fclose(std::exchange(file_, nullptr));
    sync_folder();
  }

 private:
  [[nodiscard]] std::string name() const { return path_.string(); }

  /// Throws a `file_error` with the reason `why`, where there is one.
  [[noreturn]] void fail(const char* what, const std::error_code& why) const {
    throw file_error(name() + ": " + what + (why ? ": " + why.message() : std::string{}));
  }
  /// Removes the temporary file and throws a `file_error` with the reason in `errno`.
  [[noreturn]] void abandon(const char* what) {
    const std::error_code why{errno, std::generic_category()};
    discard();
    fail(what, why);
  }
  /// Throws a `file_error` unless the file can be written.
  void require_open() const {
    if (file_ == nullptr) throw file_error(name() + ": cannot be written any more: it was committed, or has failed before");
  }

  /// Removes temporary files of the same target whose writers live no more: nobody holds their locks. Errors are ignored.
  void sweep() const noexcept {
#if TYPENET_POSIX_FILES
    try {
      namespace fs = std::filesystem;
      const std::string prefix = target_.filename().string() + std::string{suffix};
      std::error_code ignored;
      for (fs::directory_iterator entry{target_.has_parent_path() ? target_.parent_path() : fs::path{"."}, ignored}, end;
           !ignored && entry != end; entry.increment(ignored)) {
        const std::string found = entry->path().filename().string();
        if (!found.starts_with(prefix) || found.size() == prefix.size() ||
            found.find_first_not_of("0123456789", prefix.size()) != std::string::npos)
          continue;
        const int descriptor = ::open(entry->path().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (descriptor < 0) continue;
        if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) static_cast<void>(::unlink(entry->path().c_str()));
        ::close(descriptor);
      }
    } catch (...) {  // out of memory: the files stay until the next time
    }
#endif
  }

#if TYPENET_POSIX_FILES
  /// Locks a new temporary file, so that no other program sweeps it.
  /// @returns false where another program has swept it already
  [[nodiscard]] static bool lock(int descriptor) {
    // Where the file system has no locks, nothing is swept either.
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) return errno != EWOULDBLOCK;
    struct stat now{};
    return ::fstat(descriptor, &now) != 0 || now.st_nlink > 0;
  }
#endif

  /// Creates the temporary file.
  void open() {
    // A random start makes a name that is taken unlikely; a name that is taken is skipped.
    static std::atomic<unsigned> counter{std::random_device{}()};
    for (int attempt = 0; attempt < 100; ++attempt) {
      temporary_ = target_;
      temporary_ += std::string{suffix} + std::to_string(counter.fetch_add(0x9E3779B9u));
      errno = 0;
#if TYPENET_POSIX_FILES
      const int descriptor = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor >= 0 && !lock(descriptor)) {
        ::close(descriptor);
        continue;
      }
      if (descriptor >= 0) {
        file_ = ::fdopen(descriptor, "wb");
        if (file_ != nullptr) return;
        const int why = errno;
        ::close(descriptor);
        errno = why;
        abandon("cannot be created");
      }
#else
      file_ = std::fopen(temporary_.string().c_str(), "wbx");
      if (file_ != nullptr) return;
#endif
      if (errno != EEXIST) break;
    }
    temporary_.clear();
    abandon("cannot be created");
  }

  /// Gives the temporary file the permissions of the earlier file.
  void keep_permissions(std::filesystem::perms permissions) {
#if TYPENET_POSIX_FILES
    errno = 0;
    if (::fchmod(::fileno(file_), static_cast<mode_t>(permissions & std::filesystem::perms::mask)) != 0)
      abandon("cannot pass on the permissions of the file it replaces");
#else
    static_cast<void>(permissions);
#endif
  }

  /// Flushes the folder to the disk, so that the new name survives a power failure. Errors are ignored: the file is in place already.
  void sync_folder() const {
#if TYPENET_POSIX_FILES
    const std::filesystem::path folder = target_.has_parent_path() ? target_.parent_path() : std::filesystem::path{"."};
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    static_cast<void>(::fsync(descriptor));
    ::close(descriptor);
#endif
  }

  /// Closes and removes the temporary file.
  void discard() noexcept {
    if (file_ != nullptr) std::fclose(std::exchange(file_, nullptr));
    if (temporary_.empty()) return;
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
    temporary_.clear();
  }

  /// Stands between the name of the target and the number of a temporary file.
  static constexpr std::string_view suffix = ".tmp-";

  std::filesystem::path path_;       ///< as the user gave it, for messages
  std::filesystem::path target_;     ///< with links resolved
  std::filesystem::path temporary_;  ///< empty where there is no temporary file
  std::FILE* file_ = nullptr;        ///< null where nothing can be written
};

}  // namespace typenet
