#include "linux/seal.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/tolerated.h"
#include "linux/listeners.h"
#include "linux/parts.h"
#include "linux/privileges.h"
#include "linux/raw_calls.h"
#include "linux/root.h"
#include "linux/root_contents.h"
#include "linux/shared_counts.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr mode_t kUmask = 022;

/** Brings up the loopback of the session's network, with 127.0.0.1 and ::1 (netdevice(7)). */
void bring_up_loopback(InitCalls& calls) {
  const CallSite site{.step = "network", .path = "lo"};
  // The kernel adds both addresses when it is brought up.
  ifreq loopback{};
  std::memcpy(loopback.ifr_name, "lo", sizeof("lo"));
  loopback.ifr_flags = IFF_UP;
  calls.make(site, kCall_socket, {AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0}).into(kOpened);
  calls.make(site, kCall_ioctl, {kOpened, SIOCSIFFLAGS, CallArgument::bytes(loopback)});
  calls.make(site, kCall_close, {kOpened});
}

void leave_host(InitCalls& calls) {
  const CallSite site{.step = "pivot-root", .path = "/"};
  // pivot_root(2), "pivot_root(".", ".")": the host's root ends up mounted over ours, and is unmounted.
  calls.make(site, kCall_pivot_root, {".", "."});
  // defence: host-root-taken-off
  calls.make(site, kCall_umount2, {".", MNT_DETACH});
  calls.make(site, kCall_chdir, {"/"});
}

constexpr unsigned kMiscellaneous = 10;

/** Whether it is the device of userfaultfd(2), whose number the kernel chooses. */
bool is_userfaultfd(std::uint64_t device) {
  if (major(device) != kMiscellaneous) return false;
  const Tolerated tolerated("the session then has no listener");
  const auto list = read_text_file("filter", "/proc/misc");
  return !list || list->find(std::to_string(minor(device)) + " userfaultfd\n") != std::string::npos;
}

bool has_device(const std::vector<Step>& steps, bool (*is_wanted)(std::uint64_t device)) {
  return std::ranges::any_of(steps, [&](const Step& step) {
    const auto* const dev = std::get_if<MountDev>(&step);
    return dev != nullptr && std::ranges::any_of(dev->devices, is_wanted, &NamedDevice::number);
  });
}

/**
 * Whether a look at a path could wait for the build, and with it the thread that answers the calls of all sessions. It
 * could if the build serves the file system (fuse(4)), or if it serves the page fault of a call of its own that holds
 * the folder, such as getdents(2) (userfaultfd(2)).
 */
bool may_hold_up_looks(const EnvelopePlan& plan) {
  if (plan.allowed.has(Allowance::kUserfaultfd) || has_device(plan.steps, is_userfaultfd)) return true;
  constexpr auto kFuse = [](std::uint64_t device) { return device == ::makedev(kMiscellaneous, 229); };
  return plan.allowed.has(Allowance::kUserNamespaces) && has_device(plan.steps, kFuse);
}

/**
 * Installs the filter with a listener, and passes that to this process. Without a listener before Linux 5.0, and if
 * this process is itself in a filter with a listener, because the kernel allows one of them only. Without a listener
 * there is no trace.
 */
void install_filter(const SessionFilter& filter, bool must_tell, InitCalls& calls) {
  const CallSite site{.step = "filter"};
  if (!filter.listened.tells()) {
    calls.install_filter(site, filter.alone.program());
    calls.mark("init", {});
    return;
  }
  {
    const Tolerated tolerated("one of these filters is enough, and without any the session is not opened");
    const auto& program = filter.listened.program();
    calls.install_filter(site, program, kNewListener | kWaitsKillable).into(kListener);
    calls.may_fail(kAnyError).unless_it_works(must_tell ? 1 : 2);
    // Before Linux 5.19.
    calls.install_filter(site, program, kNewListener).into(kListener);
    if (!must_tell) {
      calls.may_fail(kAnyError).unless_it_works(1);
      calls.install_filter(site, filter.alone.program());
    }
  }
  calls.mark("init", {});
  calls.show(kListener);
  // The seal closes it too. A failure here shows at the next call.
  calls.make(site, kCall_close, {kListener}).may_fail(kAnyError);
}

}  // namespace

Status seal(const NamespaceOpening& opening, InitCalls& calls) {
  const EnvelopePlan& plan = opening.plan;
  const SessionIds& ids = opening.ids;
  calls.begin_step();
  if (ids.are_hosts()) {
    if (auto status = bound_limits(calls); !status) return status;
  }
  if (plan.network.kind == PlannedNetwork::Kind::kLoopback) bring_up_loopback(calls);
  if (plan.network.is_of_names()) {
    bring_up_loopback(calls);
    const AllowedNames names(plan.network, NamesInIpv6::kMapped);
    if (auto status = names.confirm(); !status) return status;
    if (auto status = opening.host.network.start(); !status) return status;
    make_listeners(names, calls);
    opening.inside.await_sockets(count_listeners(names));
  }
  calls.make({.step = "hostname"}, kCall_sethostname, {plan.hostname, plan.hostname.size()});
  // defence: root-read-only
  calls.set_attributes({.step = "seal-root", .path = "/"}, kRootSlot, {.set = raw::kReadOnly});
  if (opening.host.namespaces.is_over_host()) leave_host(calls);
  calls.mark("seal-root", "/");

  // Init keeps the number of the host's root, which no process inside can have: to each of them it is another user,
  // whom it may not reach (prlimit(2), setpriority(2), sched_setaffinity(2)).
  if (ids.are_leased()) {
    UniqueFd entered(::fcntl(ids.user_namespace.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!entered) return last_error("user-namespace", "fcntl");
    calls.make({.step = "user-namespace"}, kCall_setns, {calls.pass(std::move(entered)), CLONE_NEWUSER});
    // Other credentials can make it dumpable (PR_SET_DUMPABLE(2const)).
    calls.make({.step = "init"}, kCall_prctl, {PR_SET_DUMPABLE, 0, 0, 0, 0});
  }
  // A session that is all the caller's has one user, so init needs no capability to launch a command.
  bound_capabilities(plan.user, !ids.are_callers(), calls);
  calls.make({.step = "init"}, kCall_prctl, {PR_SET_NAME, "buildjail-init", 0, 0, 0});
  calls.make({.step = "init"}, kCall_umask, {kUmask});
  // The filter is last, because it refuses the calls above. Without PR_SET_NO_NEW_PRIVS it needs a capability
  // (seccomp(2)).
  // defence: command-no-new-privileges
  calls.make({.step = "filter"}, kCall_prctl, {PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0});
  Listened told{.modes = true, .paths = plan.traces};
  // defence: no-listener-beside-file-server
  if (may_hold_up_looks(plan)) told.modes = false;
  std::optional<SessionFilter> own;
  if (!plan.allowed.is_empty() || !told.modes || plan.traces) own.emplace(plan.allowed, told);
  if (plan.traces) {
    const bool has_modes = SystemCallFilter(plan.allowed, kOwnArchitecture, {.modes = told.modes}).tells();
    opening.inside.see_paths(LastingPlaces(plan, opening.steps), has_modes);
  }
  // defence: every-session-filter-system
  install_filter(own ? *own : opening.host.filter, plan.traces, calls);

  // defence: output-nobody-else-until
  const int locked = opening.journal.lock();
  UniqueFd lock(locked < 0 ? -1 : ::fcntl(locked, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (locked >= 0 && !lock) return last_error("init", "fcntl");
  calls.seal(std::move(lock));
  return {};
}

}  // namespace buildjail
