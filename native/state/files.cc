#include "state/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "base/text.h"
#include "base/unique_fd.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "make-output";
// defence: no-link-followed-output
constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr mode_t kMode = 0755;

}  // namespace

SysError folder_not_opened(const char* step, const char* call, const std::string& path) {
  auto error = last_error(step, call, path);
  if (error.err == ENOTDIR || error.err == ELOOP || error.err == EMLINK) error.detail = "it is a link, or no folder";
  return error;
}

UniqueFd folder_below(int top, std::string_view path) {
  UniqueFd at(::openat(top, ".", kHoldFolder));
  for (std::string_view way = path; at && !way.empty();) {
    const std::string name(cut(way, '/'));
    if (!name.empty()) at = UniqueFd(::openat(at.get(), name.c_str(), kHoldFolder));
  }
  return at;
}

Result<FolderIdentity> make_folder(const std::string& existing, std::string_view missing) {
  UniqueFd at(::open(existing.c_str(), kFolder));
  std::string path = existing == "/" ? "" : existing;
  if (!at) return last_error(kStep, "open", existing);
  while (!missing.empty()) {
    const std::string name(cut(missing, '/'));
    path += "/" + name;
    if (::mkdirat(at.get(), name.c_str(), kMode) != 0 && errno != EEXIST) return last_error(kStep, "mkdirat", path);
    UniqueFd next(::openat(at.get(), name.c_str(), kFolder));
    if (!next) return folder_not_opened(kStep, "openat", path);
    at = std::move(next);
  }
  struct stat found{};
  if (::fstat(at.get(), &found) != 0) return last_error(kStep, "fstat", path);
  return FolderIdentity{.dev = static_cast<std::uint64_t>(found.st_dev), .ino = found.st_ino};
}

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

Result<std::string> read_text_file(const char* step, const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return last_error(step, "open", path);
  return read_file(step, path, file.get());
}

Status write_text_file(const char* step, const std::string& path, std::string_view text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return last_error(step, "open", path);
  if (::write(file.get(), text.data(), text.size()) < 0) return last_error(step, "write", path);
  return {};
}

std::optional<std::string> text_of(const std::string& path) {
  auto text = read_text_file("read", path);
  return text ? std::optional(std::move(*text)) : std::nullopt;
}

std::optional<std::uint64_t> number_in(const std::string& path) {
  const auto text = text_of(path);
  std::uint64_t number = 0;
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  return read_number(cut(rest, '\n'), number) ? std::optional(number) : std::nullopt;
}

std::optional<std::uint64_t> number_after(const std::string& path, std::string_view word) {
  const auto text = text_of(path);
  if (!text) return std::nullopt;
  for (std::string_view rest = *text; !rest.empty();) {
    std::string_view line = cut(rest, '\n');
    std::uint64_t number = 0;
    if (cut(line, ' ') == word && read_number(line, number)) return number;
  }
  return std::nullopt;
}

}  // namespace buildjail
