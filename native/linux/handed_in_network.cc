#include "linux/handed_in_network.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include <cerrno>

#include "base/unique_fd.h"
#include "state/file_state.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "network";

SysError no_network(const std::string& path) {
  return {.step = kStep,
          .syscall = "ioctl",
          .err = EINVAL,
          .path = path,
          .dest = {},
          .detail = "it is no network namespace (namespaces(7))"};
}

}  // namespace

Result<UniqueFd> open_network(const std::string& path) {
  const UniqueFd found(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!found) return last_error(kStep, "open", path);
  struct statfs system{};
  if (::fstatfs(found.get(), &system) != 0) return last_error(kStep, "fstatfs", path);
  // defence: no-network-namespace-not
  if (system.f_type != NSFS_MAGIC) return no_network(path);
  UniqueFd space = above_stdio(UniqueFd(::open(DescriptorPath(found.get()).get(), O_RDONLY | O_CLOEXEC)));
  if (!space) return last_error(kStep, "open", path);
  if (::ioctl(space.get(), NS_GET_NSTYPE) != CLONE_NEWNET) return no_network(path);
  return space;
}

}  // namespace buildjail
