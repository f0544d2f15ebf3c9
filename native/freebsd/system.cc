#include <sys/param.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/queue.h>
#include <sys/sysctl.h>

#include <fs/devfs/devfs.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"
#include "envelope/system.h"
#include "freebsd/envelope.h"
#include "freebsd/jail_parameters.h"
#include "freebsd/jails.h"
#include "freebsd/limits.h"
#include "freebsd/opening.h"
#include "freebsd/parts/jail.h"
#include "freebsd/parts/root.h"
#include "freebsd/state_file_system.h"

namespace buildjail {

namespace {

// nullfs(4) mounts single files since then.
constexpr int kFirstSupported = 1400000;
// inotify(2) is there since then.
constexpr int kInotify = 1500000;

/** The value of a sysctl that is an int. Empty if the kernel does not have it. */
std::optional<int> known_setting(const char* name) {
  int value = 0;
  std::size_t size = sizeof(value);
  return ::sysctlbyname(name, &value, &size, nullptr, 0) == 0 ? std::optional(value) : std::nullopt;
}

/** The same; 0 if the kernel does not have it. */
int setting(const char* name) { return known_setting(name).value_or(0); }

/** As the kernel found it when it booted (kern.vm_guest). */
bool is_guest_of_hyperv() {
  std::array<char, 32> hypervisor{};
  std::size_t size = hypervisor.size() - 1;
  return ::sysctlbyname("kern.vm_guest", hypervisor.data(), &size, nullptr, 0) == 0 &&
         std::string_view(hypervisor.data()) == "hv";
}

Obstacle explain_jail() {
  const bool may_have_jails = setting("security.jail.children.max") > 0;
  return {"jailed",
          std::string("this process is in a jail itself, which ") +
              (may_have_jails ? "" : "may have no jails in it (children.max is 0, jail(8)), and ") +
              "may not make the devfs rules that hide the host's devices (devfs(8))",
          "run it on the host"};
}

/** Asking for the next ruleset needs the privilege to change one (devfs_rules_ioctl). */
bool may_make_devfs_rules() {
  const UniqueFd dev(::open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  devfs_rsnum ruleset = 0;
  // ENOENT: no ruleset has been made yet.
  return dev && (::ioctl(dev.get(), DEVFSIO_SGETNEXT, &ruleset) == 0 || errno == ENOENT);
}

bool knows_file_system(const char* name) {
  xvfsconf found{};
  return ::getvfsbyname(name, &found) == 0;
}

/** In the kernel, or a module that the kernel loads at the first mount (nmount(2)). */
bool has_file_system(const std::string& name) {
  if (knows_file_system(name.c_str())) return true;
  // Its folders, separated by `;` (kldconfig(8)).
  std::array<char, 4096> path{};
  std::size_t size = path.size() - 1;
  if (::sysctlbyname("kern.module_path", path.data(), &size, nullptr, 0) != 0) return false;
  std::string_view folders = path.data();
  while (!folders.empty()) {
    const std::string module = std::string(cut(folders, ';')) + "/" + name + ".ko";
    if (::access(module.c_str(), R_OK) == 0) return true;
  }
  return false;
}

std::vector<Obstacle> obstacles_of_host() {
  std::vector<Obstacle> obstacles;
  if (::getosreldate() < kFirstSupported) {
    obstacles.push_back(
        {"version", "this FreeBSD is older than 14.0, whose nullfs cannot mount files", "use FreeBSD 14.0 or later"});
  }
  if (setting("security.jail.jailed") != 0) {
    obstacles.push_back(explain_jail());
  } else if (::geteuid() != 0) {
    obstacles.push_back(
        {"privilege", "only root may make jails and mounts (jail_set(2), nmount(2))", "run it as root"});
  } else if (!may_make_devfs_rules()) {
    obstacles.push_back({"devfs-rules", "/dev is no devfs whose rules this process may change (devfs(8))",
                         "mount devfs on /dev, and run it as root without a policy that forbids devfs rules (mac(4))"});
  }
  for (const char* name : {"nullfs", "tmpfs"}) {
    if (has_file_system(name)) continue;
    obstacles.push_back({name, std::string(name) + " is neither in this kernel nor among its modules",
                         std::string("install the kernel's modules, or put ") + name +
                             ".ko into one of the folders of kern.module_path"});
  }
  return obstacles;
}

std::vector<Obstacle> limitations_of_host() {
  std::vector<Obstacle> limitations;
  if (const auto is_counting = counts_resources(); !is_counting || !*is_counting) {
    limitations.push_back(
        {"racct", std::string(kNothingCounted) + ", so rctl(8) cannot limit the memory and the processes of a build",
         kHowToCount});
  }
  if (setting("kern.features.vimage") == 0) {
    limitations.push_back(
        {"vnet", std::string(kNoOwnNetworks) + ", so network can be neither 'loopback' nor { allow } nor { vnet }",
         kHowToHaveNetworks});
  }
  // The kernel asks no jail with a network stack of its own which families it may use (prison_check_af).
  if (is_guest_of_hyperv()) {
    limitations.push_back({"hyperv",
                           "a build with network 'loopback', { allow } or { vnet } can make sockets between this guest "
                           "of Hyper-V and its hypervisor (AF_HYPERV), which belong to no network",
                           "give no network to a build that must not reach the hypervisor"});
  }
  // Of the module mqueuefs(5), which is not loaded by itself.
  if (const int most = setting("kern.mqueue.maxmq"); most > 0) {
    limitations.push_back({"message-queues",
                           "all jails share the " + std::to_string(most) +
                               " POSIX message queues of this host (kern.mqueue.maxmq), so one build can take them all",
                           "kldunload mqueuefs, or raise kern.mqueue.maxmq with sysctl(8)"});
  }
  // null_copy_inotify marks a folder of nullfs(4) as watched. When the kernel reclaims a file that another was renamed
  // over there, inotify_log is called with a vnode that no longer belongs to a nullfs.
  if (::getosreldate() >= kInotify && setting("vfs.inotify.max_user_instances") >= 0) {
    limitations.push_back(
        {"inotify",
         "a build that watches an output by inotify(2), while other processes of it rename and create "
         "files there, can make this kernel panic",
         "sysctl vfs.inotify.max_user_instances=-1, which lets nobody watch; or a kernel whose nullfs "
         "has that mended"});
  }
  // A kernel for 32 bits has no larger calls and no setting for them.
  if (known_setting("debug.iosize_max_clamp") == 0) {
    limitations.push_back(
        {"large-reads",
         "no signal ends a system call that moves much memory, and one may move more than a machine "
         "moves in hours (preadv(2) of a file with holes), so a build can keep its session from ending",
         "sysctl debug.iosize_max_clamp=1, which lets one call move 2 GiB"});
  }
  // zfs_ioctl (ZFS_IOC_FSSETXATTR) asks neither for a descriptor to write by nor whether the mount is read-only.
  if (knows_file_system("zfs")) {
    limitations.push_back({"zfs",
                           "a build can give every file that it opens on ZFS to another project, also one of a "
                           "read-only input, so that quotas of that project count it and a folder may take no files "
                           "by rename (EXDEV); and it reads the names of all mounted datasets and the command lines "
                           "of zfs(8) and zpool(8)",
                           "keep what builds see on a file system other than ZFS; sysctl vfs.zfs.dbgmsg_enable=0 hides "
                           "the command lines"});
  }
  limitations.push_back({"root-builds",
                         "nothing keeps a build with user: 'root' from revoking /dev/null, /dev/zero and /dev/random "
                         "for the whole host (revoke(2)), or from changing ACLs and extended attributes of its inputs",
                         "give user: 'root' only to builds that you trust"});
  return limitations;
}

/** ENOTSUP if this kernel lacks the network that the plan asks for. */
Status network_that_is_had(const PlannedNetwork& network, const JailAbilities& abilities) {
  using Kind = PlannedNetwork::Kind;
  SysError refused{.step = "network", .syscall = "jail_set", .err = ENOTSUP, .path = network.handed_in};
  if (network.kind == Kind::kNamespace) {
    refused.detail = "there are no network namespaces on FreeBSD";
    return refused;
  }
  if (abilities.knows("vnet") || network.kind == Kind::kNone || network.is_host()) return {};
  refused.detail = kNoOwnNetworks;
  refused.remedy = kHowToHaveNetworks;
  return refused;
}

class FreeBsd final : public System {
 public:
  explicit FreeBsd(NetworkListener listener) : listener_(std::move(listener)) {}

  std::vector<Obstacle> find_obstacles() override { return obstacles_of_host(); }
  std::vector<Obstacle> find_limitations() override { return limitations_of_host(); }

  Result<std::vector<ListedSession>> list(const std::string& state_directory) override {
    const auto held = StateFileSystem::hold_mounted(state_directory);
    if (!held) return held.error();
    auto sessions = list_sessions(state_directory);
    if (!sessions) return sessions;
    for (ListedSession& session : *sessions) {
      session.root = session.entry.fact(Root::kFacts, Root::kPath);
      const auto jail = find_jail(std::string(session.entry.fact(JailPart::kFacts, JailPart::kName)));
      if (jail && *jail && (**jail).path == session.root) session.jid = (**jail).jid;
    }
    return sessions;
  }

  void shut_down() override {
    {
      const std::lock_guard lock(mutex_);
      // The next program unmounts a file system that does not go now.
      states_.clear();
    }
    System::shut_down();
  }

 private:
  /** The abilities are read once: modules that are loaded later have parameters too, but all of these are off by
   * default. */
  Status prepare(const EnvelopePlan& plan) override {
    if (auto limits = held_limits(plan.limits); !limits) return std::move(limits.error());
    const std::lock_guard lock(mutex_);
    if (!host_) {
      auto abilities = JailAbilities::find();
      if (!abilities) return std::move(abilities.error());
      host_ = std::make_shared<FreebsdHost>(std::move(*abilities), listener_);
    }
    return network_that_is_had(plan.network, host_->abilities);
  }

  /** From the first session in it on, as to mount and unmount it for each would cost more than any other step. */
  Status hold_state(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (states_.contains(path)) return {};
    auto held = StateFileSystem::hold(path);
    if (!held) return std::move(held.error());
    states_.emplace(path, std::move(*held));
    return {};
  }

  Result<std::unique_ptr<Envelope>> make(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter, Trace trace,
                                         const Copying& copying) override {
    return open_jail_envelope(std::move(plan), std::move(lessee), std::move(waiter), host(), std::move(trace), copying);
  }

  std::shared_ptr<FreebsdHost> host() {
    const std::lock_guard lock(mutex_);
    return host_;
  }

  NetworkListener listener_;
  std::mutex mutex_;
  std::shared_ptr<FreebsdHost> host_;
  std::map<std::string, StateFileSystem> states_;
};

}  // namespace

std::unique_ptr<System> System::create(NetworkListener listener) {
  return std::make_unique<FreeBsd>(std::move(listener));
}

}  // namespace buildjail
