#include "linux/empty_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <utility>

#include "base/tolerated.h"
#include "linux/child.h"
#include "linux/raw_calls.h"

namespace buildjail {

namespace {

bool can_make_devices() {
  constexpr unsigned kMemoryMajor = 1;
  constexpr unsigned kNull = 3;
  return ::mknod("null", S_IFCHR | 0666, ::makedev(kMemoryMajor, kNull)) == 0 && ::unlink("null") == 0;
}

// The descriptor is ours too, by CLONE_FILES, and keeps the namespace when the child has ended (namespaces(7)).
bool make_in_child(UniqueFd& made) {
  made.reset(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!made || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  const UniqueFd fs(raw::fsopen("tmpfs"));
  if (!fs || raw::fsconfig(fs.get(), raw::kFsCreate, nullptr, nullptr) != 0) return false;
  const UniqueFd root(raw::fsmount(fs.get(), raw::kNoSuid | raw::kNoExec));
  if (!root || raw::move_mount(root.get(), AT_FDCWD, "/") != 0 || ::fchdir(root.get()) != 0) return false;
  if (!can_make_devices()) return false;
  if (raw::mount_setattr(root.get(), 0, {.set = raw::kReadOnly | raw::kNoDev}) != 0) return false;
  return raw::pivot_root(".", ".") == 0 && ::umount2(".", MNT_DETACH) == 0;
}

}  // namespace

UniqueFd make_empty_mounts() {
  const Tolerated tolerated("without empty mounts to copy, sessions copy the host's");
  UniqueFd made;
  const auto make = [&made](Stopped&) { return make_in_child(made); };
  if (!run_in_child("empty-mounts", CLONE_NEWNS | CLONE_FILES, make)) return {};
  return above_stdio(std::move(made));
}

}  // namespace buildjail
