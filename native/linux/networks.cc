#include "linux/networks.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstring>

#include "state/file_state.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "network";

SysError no_network(const std::string& path) {
  return {.step = kStep,
          .syscall = "ioctl",
          .err = EINVAL,
          .path = path,
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
  UniqueFd descriptor = above_stdio(UniqueFd(::open(DescriptorPath(found.get()).get(), O_RDONLY | O_CLOEXEC)));
  if (!descriptor) return last_error(kStep, "open", path);
  if (::ioctl(descriptor.get(), NS_GET_NSTYPE) != CLONE_NEWNET) return no_network(path);
  return descriptor;
}

void bring_up_loopback(InitCalls& calls) {
  const CallSite site{.step = kStep, .path = "lo"};
  // The kernel adds both addresses when it is brought up.
  ifreq loopback{};
  std::memcpy(loopback.ifr_name, "lo", sizeof("lo"));
  loopback.ifr_flags = IFF_UP;
  calls.make(site, kCall_socket, {AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0}).into(kOpened);
  calls.make(site, kCall_ioctl, {kOpened, SIOCSIFFLAGS, CallArgument::bytes(loopback)});
  calls.make(site, kCall_close, {kOpened});
}

}  // namespace buildjail
