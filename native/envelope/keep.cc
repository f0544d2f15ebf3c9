#include "envelope/keep.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstddef>
#include <ranges>
#include <string_view>
#include <utility>

#include "state/folder_below.h"
#include "state/kept_tree.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "keep";
constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::vector<std::string> names_of(const std::string& path) {
  std::vector<std::string> names;
  for (const auto name : std::views::split(path, '/')) {
    if (!name.empty()) names.emplace_back(name.begin(), name.end());
  }
  return names;
}

}  // namespace

Result<std::vector<std::string>> keep(int root, const std::string& path, const std::string& into) {
  const UniqueFd from = folder_below(root, path);
  if (!from) return last_error(kStep, "openat", path);
  UniqueFd top(::open(into.c_str(), kDirectory));
  if (!top) return last_error(kStep, "open", into);
  struct stat own{};
  if (::fstat(top.get(), &own) != 0) return last_error(kStep, "fstat", into);
  // Whoever was let into it could have put a link where something is going to be written.
  if (own.st_uid != ::geteuid() || (own.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return SysError{
        .step = kStep, .syscall = "fstat", .err = EPERM, .path = into, .dest = {}, .detail = "it is open to others"};
  }
  struct stat around{};
  if (::fstatat(top.get(), "..", &around, 0) != 0) return last_error(kStep, "fstatat", into);
  std::vector<UniqueFd> made;
  int at = top.get();
  for (const std::string& name : names_of(path)) {
    if (::mkdirat(at, name.c_str(), S_IRWXU) != 0 && errno != EEXIST) return last_error(kStep, "mkdirat", into);
    made.emplace_back(::openat(at, name.c_str(), kDirectory));
    if (!made.back()) return last_error(kStep, "openat", into);
    at = made.back().get();
  }
  std::vector<std::string> left;
  const std::size_t outer = into.size() + path.size() + 1;
  const KeptIn kept{.folder = at,
                    .uid = around.st_uid,
                    .gid = around.st_gid,
                    .longest_path = outer < PATH_MAX ? PATH_MAX - 1 - outer : 0};
  auto status = keep_tree(from.get(), path, kept, left);
  // Last, and from the inside out: from here on its owner is let in.
  for (const UniqueFd& folder : std::views::reverse(made)) {
    if (status && ::fchown(folder.get(), around.st_uid, around.st_gid) != 0) status = last_error(kStep, "fchown", into);
  }
  if (status && ::fchown(top.get(), around.st_uid, around.st_gid) != 0) status = last_error(kStep, "fchown", into);
  if (!status) return std::move(status.error());
  for (std::string& one : left) one.insert(0, path.substr(1) + "/");
  return left;
}

}  // namespace buildjail
