#include "freebsd/state_file_system.h"

#include <sys/param.h>
#include <sys/mount.h>

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <string_view>

#include "core/session_directory.h"
#include "freebsd/iovec_list.h"
#include "freebsd/mounts.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "state-directory";

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

bool is_empty(int directory) {
  const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return false;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(copy), ::closedir);
  if (!entries) {
    const UniqueFd left(copy);
    return false;
  }
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return false;
  }
  return true;
}

}  // namespace

Result<StateFileSystem> StateFileSystem::hold(const std::string& path) {
  for (;;) {
    auto mounted = hold_mounted(path);
    if (!mounted) return std::move(mounted.error());
    if (*mounted) return std::move(**mounted);
    if (auto status = make_private_directory(path); !status) return std::move(status.error());
    if (auto status = mount_at(path); !status) return std::move(status.error());
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

void StateFileSystem::release() {
  if (!root_) return;
  const bool is_last = is_empty(root_.get());
  root_.reset();
  // Of two that leave at once the later one succeeds; and EBUSY is the answer while anybody holds it.
  if (is_last) static_cast<void>(unmount_target(fsid_, 0));
}

}  // namespace buildjail
