#include "state/files.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <memory>
#include <utility>

#include "base/text.h"
#include "state/journal.h"

namespace buildjail {

namespace {

constexpr const char* kMakeOutput = "make-output";
// defence: no-link-followed-output
constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr mode_t kFolderMode = 0755;

constexpr const char* kStep = "state-directory";

SysError exposed(const std::string& path, std::string detail) {
  return {.step = kStep, .syscall = "lstat", .err = EPERM, .path = path, .detail = std::move(detail)};
}

/** All ids are mapped to themselves, as outside of every user namespace. */
bool is_identity_map(std::string_view map) {
  return numbers_in(map) == std::vector<unsigned>{0, 0, std::numeric_limits<unsigned>::max()};
}

// In a user namespace all unmapped users look like one, and usually the host's root is one of them (user_namespaces(7),
// Unmapped user and group IDs). FreeBSD has no such file.
bool is_unmapped(uid_t uid) {
  const auto map = text_of("/proc/self/uid_map");
  return map && !map->empty() && !is_identity_map(*map) && number_in("/proc/sys/kernel/overflowuid") == uid;
}

Status refuse_folder(const std::string& folder, const std::string& path) {
  struct stat found{};
  if (::lstat(folder.c_str(), &found) != 0) return last_error(kStep, "lstat", folder);
  if (S_ISLNK(found.st_mode)) return exposed(path, "'" + folder + "' is a symbolic link");
  const bool is_of_trusted = found.st_uid == 0 || found.st_uid == ::geteuid() || is_unmapped(found.st_uid);
  if (!is_of_trusted)
    return exposed(path, "'" + folder + "' belongs to user " + std::to_string(found.st_uid) + ", who can exchange it");
  const bool is_changeable = (found.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (found.st_mode & S_ISVTX) == 0;
  // defence: state-directory-others-can
  if (is_changeable) return exposed(path, "others can exchange it, as they may write to '" + folder + "'");
  return {};
}

constexpr mode_t kPrivate = 0700;

Status refuse_unless_private(const struct stat& found, const std::string& path) {
  const bool is_private = S_ISDIR(found.st_mode) && (found.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  if (is_private && found.st_uid == ::geteuid()) return {};
  return exposed(path, "it must be a directory of the caller's own, mode 0700");
}

// As src/session/opening.ts makes them.
bool is_session_id(std::string_view name) {
  constexpr std::size_t kLength = 16;
  return name.size() == kLength && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Not in the usual state directory (src/spec/state-directory.ts), because on FreeBSD that is a file system of its own,
// which is unmounted (freebsd/state_file_system.h).
#ifdef __FreeBSD__
constexpr const char* kOfRoot = "/var/run/buildjail-leases";
#else
constexpr const char* kOfRoot = "/run/buildjail-leases";
#endif
// Every host has this folder, to its end. /run/user/<uid> goes with the last login of its user, and the leases of
// sessions that live on would go with it (pam_systemd(8)).
constexpr const char* kOfUser = "/tmp/buildjail-leases-";

constexpr mode_t kPrivateFile = 0600;

/** Removes a file that was made and could not be locked, if it has no holder by now. */
void remove_if_unused(const UniqueFd& locked, const std::string& path) {
  struct stat found{};
  if (::fstat(locked.get(), &found) == 0 && found.st_nlink > 0) remove_if_empty(locked, path);
}

#ifdef O_EXLOCK
// Opens and locks by one call (open(2)).
Result<UniqueFd> open_locked(const char* step, const std::string& path, int flags, int kind) {
  // defence: folder-written-one-live-2
  UniqueFd fd(::open(path.c_str(), flags | (kind == LOCK_EX ? O_EXLOCK : O_SHLOCK), kPrivateFile));
  if (!fd) return last_error(step, "open", path);
  return fd;
}
#else
Result<UniqueFd> open_locked(const char* step, const std::string& path, int flags, int kind) {
  UniqueFd fd(::open(path.c_str(), flags, kPrivateFile));
  if (!fd) return last_error(step, "open", path);
  // defence: folder-written-one-live
  if (::flock(fd.get(), kind | LOCK_NB) == 0) return fd;
  auto error = last_error(step, "flock", path);
  const bool is_made = error.err != EWOULDBLOCK && (flags & O_CREAT) != 0;
  if (is_made && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) remove_if_unused(fd, path);
  return error;
}
#endif

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

Result<UniqueFd> make_private_folder(const char* step, int around, const std::string& name, const std::string& path) {
  if (::mkdirat(around, name.c_str(), S_IRWXU) != 0) return last_error(step, "mkdirat", path);
  UniqueFd made(::openat(around, name.c_str(), kFolder));
  if (!made) return folder_not_opened(step, "openat", path);
  // Before a look at its owner. Some file systems cannot lock a folder (NFS).
  if (::flock(made.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return last_error(step, "flock", path);
  struct stat own{};
  if (::fstat(made.get(), &own) != 0) return last_error(step, "fstat", path);
  if (own.st_uid == ::geteuid() && (own.st_mode & (S_IRWXG | S_IRWXO)) == 0) return made;
  return SysError{.step = step, .syscall = "fstat", .err = EPERM, .path = path, .detail = "it is open to others"};
}

Result<struct stat> make_folder(const std::string& existing, std::string_view missing) {
  UniqueFd at(::open(existing.c_str(), kFolder));
  std::string path = existing == "/" ? "" : existing;
  if (!at) return last_error(kMakeOutput, "open", existing);
  while (!missing.empty()) {
    const std::string name(cut(missing, '/'));
    path += "/" + name;
    if (::mkdirat(at.get(), name.c_str(), kFolderMode) != 0 && errno != EEXIST)
      return last_error(kMakeOutput, "mkdirat", path);
    UniqueFd next(::openat(at.get(), name.c_str(), kFolder));
    if (!next) return folder_not_opened(kMakeOutput, "openat", path);
    at = std::move(next);
  }
  struct stat found{};
  if (::fstat(at.get(), &found) != 0) return last_error(kMakeOutput, "fstat", path);
  return found;
}

Result<UniqueFd> lock_file(const char* step, const std::string& path, int flags, int kind, bool* is_empty) {
  struct stat found{};
  for (;;) {
    // O_NONBLOCK, because another user may have put a fifo there.
    auto locked = open_locked(step, path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, kind);
    if (!locked) return locked;
    if (::fstat(locked->get(), &found) != 0) {
      auto error = last_error(step, "fstat", path);
      if ((flags & O_CREAT) != 0) remove_if_unused(*locked, path);
      return error;
    }
    if (is_empty != nullptr) *is_empty = found.st_size == 0;
    // It has no name any more if its holder removed it meanwhile.
    if (found.st_nlink > 0) return locked;
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

Status append(const char* step, const std::string& path, int fd, std::string_view text) {
  const ssize_t written = without_interruption([&] { return ::write(fd, text.data(), text.size()); });
  if (written == static_cast<ssize_t>(text.size())) return {};
  if (written >= 0) errno = ENOSPC;
  return last_error(step, "write", path);
}

Result<std::string> read_text_file(const char* step, const std::string& path, int flags) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
  if (!file) return last_error(step, "open", path);
  return read_file(step, path, file.get());
}

Status write_text_file(const char* step, const std::string& path, std::string_view text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file ? append(step, path, file.get(), text) : last_error(step, "open", path);
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

Status Surroundings::refuse_changeable(const std::string& path) {
  for (std::size_t end = 1; end != std::string::npos && end < path.size(); end = path.find('/', end + 1)) {
    // The root itself first, and each folder once.
    if (end > 1 && path[end - 1] == '/') continue;
    std::string folder = end == 1 ? "/" : path.substr(0, end);
    if (std::ranges::find(safe_, folder) != safe_.end()) continue;
    if (auto status = refuse_folder(folder, path); !status) return status;
    safe_.push_back(std::move(folder));
  }
  return {};
}

Status Surroundings::refuse_exposed(const std::string& path) {
  if (auto status = refuse_changeable(path); !status) return status;
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return last_error(kStep, "lstat", path);
  }
  if (S_ISLNK(found.st_mode)) return exposed(path, "it is a symbolic link");
  if (found.st_uid != ::geteuid()) return exposed(path, "it belongs to user " + std::to_string(found.st_uid));
  return {};
}

Status make_private_directory(const std::string& path) {
  struct stat found{};
  // Usually it exists.
  while (::lstat(path.c_str(), &found) != 0) {
    if (errno != ENOENT) return last_error(kStep, "lstat", path);
    if (::mkdir(path.c_str(), kPrivate) == 0) return {};
    if (errno != EEXIST) return last_error(kStep, "mkdir", path);
  }
  return refuse_unless_private(found, path);
}

std::string empty_in(const std::string& state_directory) { return state_directory + "/" + std::string(kEmpty); }

Status make_empty(const std::string& state_directory) {
  const std::string path = empty_in(state_directory);
  const std::string file = path + "/file";
  struct stat found{};
  // The file is made last.
  if (::lstat(file.c_str(), &found) == 0) return {};
  if (errno != ENOENT) return last_error(kStep, "lstat", file);
  for (const std::string& folder : {path, path + "/folder"}) {
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return last_error(kStep, "mkdir", folder);
    // Whatever the umask is: builds read them.
    if (::chmod(folder.c_str(), 0755) != 0) return last_error(kStep, "chmod", folder);
  }
  const UniqueFd made(::open(file.c_str(), O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0444));
  if (!made) return last_error(kStep, "open", file);
  if (::fchmod(made.get(), 0444) != 0) return last_error(kStep, "fchmod", file);
  return {};
}

Result<std::vector<std::string>> names_in(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), kReadFolder));
  if (!fd) return last_error(kStep, "open", path);
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(fd.get()), ::closedir);
  if (!entries) return last_error(kStep, "fdopendir", path);
  static_cast<void>(fd.release());
  std::vector<std::string> names;
  // Null at the end and on failure alike, which only errno tells apart (readdir(3), RETURN VALUE).
  errno = 0;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return last_error(kStep, "readdir", path);
  std::ranges::sort(names);
  return names;
}

Result<bool> is_state_directory(const std::string& path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return last_error(kStep, "lstat", path);
  }
  if (auto status = refuse_unless_private(found, path); !status) return std::move(status.error());
  if (auto status = Surroundings().refuse_changeable(path); !status) return std::move(status.error());
  return true;
}

Result<StateDirectory> read_state_directory(const std::string& path) {
  const auto is_there = is_state_directory(path);
  if (!is_there) return is_there.error();
  if (!*is_there) return StateDirectory{};
  auto names = names_in(path);
  if (!names && names.error().err == ENOENT) return StateDirectory{};
  if (!names) return std::move(names.error());
  StateDirectory state;
  for (std::string& name : *names) {
    std::string_view id = name;
    for (const std::string_view suffix : {kJournalSuffix, kTraceSuffix}) {
      if (id.ends_with(suffix)) id.remove_suffix(suffix.size());
    }
    if (is_session_id(id)) {
      // In the order of names a root comes right before its journal, and its trace after that.
      if (state.sessions.empty() || state.sessions.back() != id) state.sessions.emplace_back(id);
    } else if (name != kEmpty) {
      state.others.push_back(std::move(name));
    }
  }
  return state;
}

// No environment variable counts: two programs of one user may have different ones.
std::string host_directory_of(uid_t user) {
  // defence: leases-no-variable-environment
  std::string path = user == 0 ? std::string(kOfRoot) : kOfUser + std::to_string(user);
  return path;
}

Result<std::string> host_directory(Surroundings& around) {
  std::string path = host_directory_of(::geteuid());
  if (auto status = around.refuse_changeable(path); !status) return std::move(status.error());
  if (auto status = make_private_directory(path); !status) return std::move(status.error());
  return path;
}

}  // namespace buildjail
