#include "freebsd/state_file_system.h"

#include <sys/param.h>
#include <sys/mount.h>

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string_view>

#include "core/back_off.h"
#include "core/state_directory.h"
#include "freebsd/iovec_list.h"
#include "freebsd/mounts.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "state-directory";
constexpr std::chrono::milliseconds kGoingBound{1000};

Status mount_at(const std::string& path) {
  IovecList options;
  options.add_string("fstype", "tmpfs");
  options.add_string("fspath", path);
  options.add_string("from", "tmpfs");
  options.add_flag("nocover");
  options.add_errmsg();
  auto status = nmount_options(options, MNT_NOSUID | MNT_NOEXEC, kStep, path);
  // Somebody else was quicker (mount(8), nocover): theirs is as good.
  return !status && status.error().err == EBUSY ? Status() : status;
}

Result<bool> is_empty(int directory) {
  UniqueFd copy(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!copy) return last_error(kStep, "openat", ".");
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(copy.get()), ::closedir);
  if (!entries) return last_error(kStep, "fdopendir", ".");
  static_cast<void>(copy.release());
  for (;;) {
    // Nothing is both the end and a failure (readdir(3)).
    errno = 0;
    const dirent* entry = ::readdir(entries.get());
    if (entry == nullptr && errno != 0) return last_error(kStep, "readdir", ".");
    if (entry == nullptr) return true;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return false;
  }
}

}  // namespace

Result<StateFileSystem> StateFileSystem::hold(const std::string& path) {
  bool is_ours = false;
  // What was just mounted goes again with what comes after it; unless others took it over meanwhile, who hold it.
  const auto undo = [&path, &is_ours](SysError error) {
    if (is_ours) static_cast<void>(unmount_target(path, 0));
    return error;
  };
  BackOff back_off(kGoingBound);
  for (;;) {
    auto mounted = hold_mounted(path);
    if (!mounted) return undo(std::move(mounted.error()));
    if (*mounted) return std::move(**mounted);
    auto status = make_private_directory(path);
    const bool is_there = static_cast<bool>(status) || status.error().syscall != "mkdir";
    if (status) status = mount_at(path);
    // The directory is there; what was on it is going this moment, and took the one that was found with it.
    if (!status && status.error().err == ENOENT && is_there && back_off.wait()) continue;
    if (!status) return std::move(status.error());
    is_ours = true;
  }
}

Result<std::optional<StateFileSystem>> StateFileSystem::hold_mounted(const std::string& path) {
  UniqueFd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root && errno == ENOENT) return std::optional<StateFileSystem>();
  if (!root) return last_error(kStep, "open", path);
  struct statfs mounted{};
  if (::fstatfs(root.get(), &mounted) != 0) return last_error(kStep, "fstatfs", path);
  if (path != mounted.f_mntonname) return std::optional<StateFileSystem>();
  return std::optional(StateFileSystem(std::move(root), fsid_text(mounted.f_fsid)));
}

StateFileSystem::~StateFileSystem() {
  try {
    static_cast<void>(release());
  } catch (...) {  // NOLINT(bugprone-empty-catch): no memory to tell of it, and nobody to tell
  }
}

Status StateFileSystem::release() {
  if (root_) {
    auto is_last = is_empty(root_.get());
    if (!is_last) return std::move(is_last.error());
    root_.reset();
    if (!*is_last) fsid_.clear();
  }
  if (fsid_.empty()) return {};
  auto status = unmount_target(fsid_, 0);
  // Of two that leave at once the later one succeeds: EBUSY is the answer while anybody holds it, ENOENT afterwards.
  if (!status && status.error().err != EBUSY && status.error().err != ENOENT) return status;
  fsid_.clear();
  return {};
}

}  // namespace buildjail
