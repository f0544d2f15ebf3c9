#include "linux/root_part.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "base/unique_fd.h"
#include "linux/namespaces.h"
#include "linux/overlays.h"
#include "linux/parts.h"
#include "linux/root.h"
#include "linux/root_contents.h"
#include "linux/seal.h"
#include "linux/sources.h"
#include "state/file_state.h"

namespace buildjail {

namespace {

Birth birth_of(const NamespaceOpening& opening) {
  const PlannedNetwork& network = opening.plan.network;
  Birth birth{.caller = ::geteuid(), .has_network = !network.is_host() && !network.is_handed_in()};
  if (!opening.ids.are_callers()) return birth;
  const IdMap one_id = map_one(opening.plan.user, ::geteuid(), ::getegid());
  birth.uid_map = map_text(one_id.uids);
  birth.gid_map = map_text(one_id.gids);
  return birth;
}

constexpr const char* kNetwork = "network";

SysError no_network(const std::string& path) {
  return {.step = kNetwork,
          .syscall = "ioctl",
          .err = EINVAL,
          .path = path,
          .detail = "it is no network namespace (namespaces(7))"};
}

/**
 * Opens the network namespace at a path of the host, for setns(2). EINVAL, without opening it, if another kind of file
 * is there.
 */
Result<UniqueFd> open_network(const std::string& path) {
  const UniqueFd found(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!found) return last_error(kNetwork, "open", path);
  struct statfs system{};
  if (::fstatfs(found.get(), &system) != 0) return last_error(kNetwork, "fstatfs", path);
  // defence: no-network-namespace-not
  if (system.f_type != NSFS_MAGIC) return no_network(path);
  UniqueFd descriptor = above_stdio(UniqueFd(::open(DescriptorPath(found.get()).get(), O_RDONLY | O_CLOEXEC)));
  if (!descriptor) return last_error(kNetwork, "open", path);
  if (::ioctl(descriptor.get(), NS_GET_NSTYPE) != CLONE_NEWNET) return no_network(path);
  return descriptor;
}

}  // namespace

void RootPart::add_planned(const NamespaceOpening& opening, Parts& parts) {
  parts.push_back(std::make_unique<RootPart>(opening));
}

Status RootPart::make_namespaces(Trace& trace) {
  LinuxHost& host = opening_.host;
  const Birth birth = birth_of(opening_);
  const CgroupEntrances* const cgroup = opening_.cgroup.is_none() ? nullptr : &opening_.cgroup.entrances();
  // A base does not use a blank: it is made ahead itself.
  if (birth.has_network && cgroup == nullptr && !opening_.plan.is_base) {
    if (auto blank = host.blanks.take(birth)) {
      opening_.inside.set(std::move(*blank));
      trace.mark("blank");
      return {};
    }
  }
  UniqueFd network;
  if (const PlannedNetwork& planned = opening_.plan.network; planned.is_handed_in()) {
    auto opened = open_network(planned.handed_in);
    if (!opened) return std::move(opened.error());
    network = std::move(*opened);
  }
  auto made = Namespaces::make(host.namespaces, birth, {.network = network.get(), .cgroup = cgroup});
  if (!made) return std::move(made.error());
  opening_.inside.set(std::move(*made));
  trace.mark("clone");
  return make_blank_root(host.namespaces, birth, opening_.inside.calls());
}

Status RootPart::make(Trace& trace) {
  if (!opening_.is_rest) {
    if (auto status = make_namespaces(trace); !status) return status;
  }
  InitCalls& calls = opening_.inside.calls();
  const auto owners = SourceOwners::find(opening_);
  if (!owners) return owners.error();
  // No mount of the session may propagate to the host, nor the other way round.
  if (opening_.host.namespaces.is_over_host() && !opening_.is_rest)
    calls.make({.step = "private", .path = "/"}, kCall_mount, {0, "/", 0, MS_REC | MS_PRIVATE, 0});
  auto status = add_root(opening_, *owners, calls, trace);
  if (status && opening_.is_sealed()) status = seal(opening_, calls);
  if (!status) return explain_overlay(std::move(status.error()));
  calls.send();
  // Init times the calls.
  trace.resume();
  return {};
}

Status RootPart::take_away(TakingAway& taking) {
  return opening_.is_rest ? Status() : opening_.inside.end_processes(taking.trace);
}

}  // namespace buildjail
