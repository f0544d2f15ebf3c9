#include "linux/empty_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "linux/clone_child.h"
#include "linux/raw_calls.h"
#include "linux/source_copy.h"

namespace buildjail {

namespace {

struct Making {
  int mounts = -1;
  bool can_copy_copies = false;
  bool is_done = false;
};

bool can_make_devices() {
  constexpr unsigned kMemoryMajor = 1;
  constexpr unsigned kNull = 3;
  return ::mknod("null", S_IFCHR | 0666, ::makedev(kMemoryMajor, kNull)) == 0 && ::unlink("null") == 0;
}

// As with a session's own root (mount_program.cc). The descriptor is ours as well, by CLONE_FILES, and with it the
// namespace stays when the child is gone (namespaces(7)).
void run_child(void* context) {
  auto& making = *static_cast<Making*>(context);
  making.mounts = ::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (making.mounts < 0) return;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
  const UniqueFd fs(raw::fsopen("tmpfs"));
  if (!fs || raw::fsconfig(fs.get(), raw::kFsCreate, nullptr, nullptr) != 0) return;
  const UniqueFd root(raw::fsmount(fs.get(), raw::kNoSuid | raw::kNoExec));
  if (!root) return;
  making.can_copy_copies = static_cast<bool>(copy_of(root, 0));
  if (raw::move_mount(root.get(), AT_FDCWD, "/") != 0 || ::fchdir(root.get()) != 0) return;
  if (!can_make_devices() || ::mkdir("etc", 0755) != 0) return;
  if (raw::mount_setattr(root.get(), 0, {.set = raw::kReadOnly | raw::kNoDev}) != 0) return;
  if (raw::pivot_root(".", ".") != 0 || ::umount2(".", MNT_DETACH) != 0) return;
  making.is_done = true;
}

}  // namespace

EmptyMounts make_empty_mounts() {
  ChildStack stack;
  Making making;
  const pid_t child = clone_child(CLONE_NEWNS | CLONE_FILES, run_child, &making, stack);
  if (child > 0) reap_clone(child);
  UniqueFd mounts(making.mounts);
  if (!making.is_done) return {};
  return {.space = above_stdio(std::move(mounts)), .can_copy_copies = making.can_copy_copies};
}

}  // namespace buildjail
