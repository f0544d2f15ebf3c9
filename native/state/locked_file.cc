#include "state/locked_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace buildjail {

namespace {

constexpr mode_t kPrivate = 0600;

/** False if its holder removed it meanwhile, so that it has no name any more. */
Result<bool> is_named(const char* step, const UniqueFd& locked, const std::string& path, bool* is_empty = nullptr) {
  struct stat found{};
  if (::fstat(locked.get(), &found) != 0) return last_error(step, "fstat", path);
  if (is_empty != nullptr) *is_empty = found.st_size == 0;
  return found.st_nlink > 0;
}

/** Removes a file that was made and could not be locked, if it has no holder by now. */
void remove_if_unused(const char* step, const UniqueFd& locked, const std::string& path) {
  const auto has_name = is_named(step, locked, path);
  if (has_name && *has_name) remove_if_empty(locked, path);
}

#ifdef O_EXLOCK
// Opens and locks by one call (open(2)).
Result<UniqueFd> open_locked(const char* step, const std::string& path, int flags, int kind) {
  // defence: folder-written-one-live-2
  UniqueFd fd(::open(path.c_str(), flags | (kind == LOCK_EX ? O_EXLOCK : O_SHLOCK), kPrivate));
  if (!fd) return last_error(step, "open", path);
  return fd;
}
#else
Result<UniqueFd> open_locked(const char* step, const std::string& path, int flags, int kind) {
  UniqueFd fd(::open(path.c_str(), flags, kPrivate));
  if (!fd) return last_error(step, "open", path);
  // defence: folder-written-one-live
  if (::flock(fd.get(), kind | LOCK_NB) == 0) return fd;
  auto error = last_error(step, "flock", path);
  const bool is_made = error.err != EWOULDBLOCK && (flags & O_CREAT) != 0;
  if (is_made && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) remove_if_unused(step, fd, path);
  return error;
}
#endif

}  // namespace

Result<UniqueFd> lock_file(const char* step, const std::string& path, int flags, int kind, bool* is_empty) {
  for (;;) {
    // O_NONBLOCK, because another user may have put a fifo there.
    auto locked = open_locked(step, path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, kind);
    if (!locked) return locked;
    const auto has_name = is_named(step, *locked, path, is_empty);
    if (!has_name) {
      if ((flags & O_CREAT) != 0) remove_if_unused(step, *locked, path);
      return has_name.error();
    }
    if (*has_name) return locked;
  }
}

void remove_if_empty(const UniqueFd& locked, const std::string& path) {
  struct stat made{};
  if (::fstat(locked.get(), &made) == 0 && made.st_size == 0) static_cast<void>(::unlink(path.c_str()));
}

Result<std::string> read_file(const char* step, const std::string& path, int fd) {
  std::string text;
  std::array<char, 4096> part{};
  for (;;) {
    const ssize_t got =
        without_interruption([&] { return ::pread(fd, part.data(), part.size(), static_cast<off_t>(text.size())); });
    if (got < 0) return last_error(step, "pread", path);
    if (got == 0) return text;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
}

Status append(const char* step, const std::string& path, int fd, const std::string& text) {
  const ssize_t written = without_interruption([&] { return ::write(fd, text.data(), text.size()); });
  if (written == static_cast<ssize_t>(text.size())) return {};
  if (written >= 0) errno = ENOSPC;
  return last_error(step, "write", path);
}

}  // namespace buildjail
