#include "state/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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
    if (!next) {
      auto error = last_error(kStep, "openat", path);
      if (error.err == ENOTDIR || error.err == ELOOP || error.err == EMLINK)
        error.detail = "it is a link, or no folder";
      return error;
    }
    at = std::move(next);
  }
  struct stat found{};
  if (::fstat(at.get(), &found) != 0) return last_error(kStep, "fstat", path);
  return FolderIdentity{.dev = static_cast<std::uint64_t>(found.st_dev), .ino = found.st_ino};
}

}  // namespace buildjail
