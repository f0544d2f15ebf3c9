#include "linux/caller_path.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <string_view>
#include <utility>

namespace buildjail {

namespace {

/** The kernel's own bound (path_resolution(7)). */
constexpr int kMostLinks = 40;
/**
 * Of a path and its links together. The kernel follows longer ones, but in the build's time and not the host program's.
 */
constexpr int kMostComponents = 4096;

Pinned failed(int err) { return {.file = {}, .err = err}; }

Pinned opened(int fd) { return fd < 0 ? failed(errno) : Pinned{.file = UniqueFd(fd)}; }

std::string entry_of(pid_t thread, const std::string& name) { return "/proc/" + std::to_string(thread) + "/" + name; }

bool is_same(int one, int other) {
  struct stat first{};
  struct stat second{};
  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

/** One component of a path, and what is left of that behind it. */
struct Component {
  std::string name;
  std::string rest;
  bool is_folder;
};

/** Cuts the first component off. Its name is empty at the end of the path. */
Component first_of_path(std::string_view path) {
  const std::size_t begin = std::min(path.find_first_not_of('/'), path.size());
  const std::size_t end = std::min(path.find('/', begin), path.size());
  return {.name = std::string(path.substr(begin, end - begin)),
          .rest = std::string(path.substr(end)),
          .is_folder = end < path.size()};
}

/** Reads a link by its descriptor, and puts its text in front of the rest of the path. */
int follow(int link, const Component& from, std::string& path) {
  struct statfs system{};
  if (::fstatfs(link, &system) != 0) return errno;
  // defence: notices-follow-no-magic-link
  if (system.f_type == PROC_SUPER_MAGIC) return EPERM;
  std::array<char, PATH_MAX> text{};
  const ssize_t size = ::readlinkat(link, "", text.data(), text.size());
  if (size < 0) return errno;
  if (size == 0) return ENOENT;
  if (static_cast<std::size_t>(size) == text.size()) return ENAMETOOLONG;
  path.assign(text.data(), static_cast<std::size_t>(size));
  path += from.rest;
  return 0;
}

}  // namespace

Pinned pin_descriptor(pid_t thread, int descriptor) {
  const std::string name = descriptor == kCallersDirectory ? "cwd" : "fd/" + std::to_string(descriptor);
  auto pinned = opened(::open(entry_of(thread, name).c_str(), O_PATH | O_CLOEXEC));
  if (pinned.err == ENOENT) pinned.err = EBADF;
  return pinned;
}

UniqueFd pin_root(pid_t thread) { return UniqueFd(::open(entry_of(thread, "root").c_str(), O_PATH | O_CLOEXEC)); }

// process_vm_readv(2) could wait for a build that serves its own page faults (userfaultfd(2)).
CallersPath read_path(pid_t thread, std::uint64_t address) {
  const UniqueFd memory(::open(entry_of(thread, "mem").c_str(), O_RDONLY | O_CLOEXEC));
  if (!memory) return {.err = EPERM};
  std::array<char, PATH_MAX> text{};
  // The memory behind the path may be missing. Then less is read.
  const ssize_t size = ::pread(memory.get(), text.data(), text.size(), static_cast<off_t>(address));
  if (size <= 0) return {.err = EFAULT};
  const std::string_view found(text.data(), static_cast<std::size_t>(size));
  const std::size_t end = found.find('\0');
  if (end != std::string_view::npos) return {.path = std::string(found.substr(0, end))};
  return {.err = found.size() == text.size() ? ENAMETOOLONG : EFAULT};
}

Pinned look_up(const CallerFolders& folders, std::string path, bool follows_last_link) {
  if (path.empty()) return failed(ENOENT);
  const auto& [root, start] = folders;
  const auto begin = [&] { return opened(::openat(path.front() == '/' ? root.get() : start.get(), ".", kHoldFolder)); };
  Pinned at = begin();
  int links = 0;
  // defence: notices-bounded-walk
  for (int components = 0; at.file && components < kMostComponents; ++components) {
    auto component = first_of_path(path);
    if (component.name.empty()) return at;
    // defence: notices-stay-below-root
    if (component.name == ".." && is_same(at.file.get(), root.get())) component.name = ".";
    Pinned next = opened(::openat(at.file.get(), component.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat found{};
    if (!next.file) return next;
    if (::fstat(next.file.get(), &found) != 0) return failed(errno);
    const bool is_last = component.rest.find_first_not_of('/') == std::string::npos;
    const bool is_followed = S_ISLNK(found.st_mode) && (!is_last || component.is_folder || follows_last_link);
    if (!is_followed) {
      if (component.is_folder && !S_ISDIR(found.st_mode)) return failed(ENOTDIR);
      at = std::move(next);
      path = std::move(component.rest);
      continue;
    }
    if (++links > kMostLinks) return failed(ELOOP);
    if (const int err = follow(next.file.get(), component, path); err != 0) return failed(err);
    if (path.front() == '/') at = begin();
  }
  return at.file ? failed(EPERM) : std::move(at);
}

}  // namespace buildjail
