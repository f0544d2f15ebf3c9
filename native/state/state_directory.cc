#include "state/state_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "base/unique_fd.h"
#include "state/journal.h"
#include "state/surroundings.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "state-directory";
constexpr mode_t kPrivate = 0700;

Status refuse_unless_private(const struct stat& found, const std::string& path) {
  const bool is_private = S_ISDIR(found.st_mode) && (found.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  if (is_private && found.st_uid == ::geteuid()) return {};
  return SysError{.step = kStep,
                  .syscall = "lstat",
                  .err = EPERM,
                  .path = path,
                  .dest = {},
                  .detail = "the state directory must be a directory of the caller's own, mode 0700"};
}

// As src/session/session.ts makes them.
bool is_session_id(std::string_view name) {
  constexpr std::size_t kLength = 16;
  return name.size() == kLength && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string_view without_suffix(std::string_view name, std::string_view suffix) {
  return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name;
}

}  // namespace

Status make_private_directory(const std::string& path) {
  struct stat found{};
  // Mostly it is there.
  while (::lstat(path.c_str(), &found) != 0) {
    if (errno != ENOENT) return last_error(kStep, "lstat", path);
    if (::mkdir(path.c_str(), kPrivate) == 0) return {};
    if (errno != EEXIST) return last_error(kStep, "mkdir", path);
  }
  return refuse_unless_private(found, path);
}

Result<std::vector<std::string>> names_in(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
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

Result<StateDirectory> read_state_directory(const std::string& path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return StateDirectory{};
    return last_error(kStep, "lstat", path);
  }
  if (auto status = refuse_unless_private(found, path); !status) return std::move(status.error());
  if (auto status = Surroundings().refuse_exposed(path); !status) return std::move(status.error());
  auto names = names_in(path);
  if (!names && names.error().err == ENOENT) return StateDirectory{};
  if (!names) return std::move(names.error());
  StateDirectory state;
  for (std::string& name : *names) {
    const std::string_view id = without_suffix(name, kJournalSuffix);
    if (is_session_id(id)) {
      // In the order of names a root comes right before its journal.
      if (state.sessions.empty() || state.sessions.back() != id) state.sessions.emplace_back(id);
    } else {
      state.others.push_back(std::move(name));
    }
  }
  return state;
}

}  // namespace buildjail
