#include <libgen.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <utility>

#include "envelope/system.h"
#include "linux/ids.h"
#include "linux/init.h"
#include "linux/kernel_version.h"
#include "linux/mount_table.h"
#include "linux/overlays.h"
#include "linux/parts.h"
#include "linux/privileges.h"
#include "state/files.h"

namespace buildjail {

namespace {

Status check_network(const PlannedNetwork& network) {
  using Kind = PlannedNetwork::Kind;
  SysError refused{.step = "network", .syscall = "setns", .err = EPERM, .path = network.handed_in};
  if (network.kind == Kind::kInterface) {
    refused.err = ENOTSUP;
    refused.detail = "on Linux no interface can be moved into a session";
    return refused;
  }
  // A session in a user namespace of its own may enter no network that belongs to another (setns(2)).
  if (network.kind == Kind::kNamespace && has_callers_id_only()) {
    refused.detail = "a network namespace can be handed in by root only (setns(2))";
    return refused;
  }
  return {};
}

/** Has mount_setattr(2). */
constexpr std::pair kOldestKernel{5, 12};

std::string as_said(const SysError& error) {
  const std::string on = error.path.empty() ? "" : " " + error.path;
  return error.syscall + on + ": " + errno_name(error.err) + ", step " + error.step;
}

Obstacle explain_user_namespaces(const SysError& error) {
  if (number_in("/proc/sys/kernel/unprivileged_userns_clone") == 0) {
    return {
        "user-namespaces",
        "this process is not root, and user namespaces are for root only here (kernel.unprivileged_userns_clone is 0)",
        "sysctl -w kernel.unprivileged_userns_clone=1 as root, or run this as root"};
  }
  if (number_in("/proc/sys/user/max_user_namespaces") == 0) {
    return {"user-namespaces",
            "this process is not root, and there may be no user namespaces here (user.max_user_namespaces is 0)",
            "sysctl -w user.max_user_namespaces=15000 as root, or run this as root"};
  }
  // A limit of any kind of namespace (namespaces(7), /proc/sys/user), or of mounts in one (proc_sys_fs(5), mount-max).
  if (error.err == ENOSPC) {
    return {"user-namespaces",
            "this process is not root, and its user may make no more namespaces or mounts (" + as_said(error) +
                "): user.max_user_namespaces and the like, and fs.mount-max, say how many",
            "sysctl -w user.max_user_namespaces=15000 as root, and the others too; or run this as root"};
  }
  if (number_in("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").value_or(0) != 0) {
    return {"apparmor",
            "this process is not root, and AppArmor takes every right from user namespaces of others "
            "(kernel.apparmor_restrict_unprivileged_userns is 1)",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 as root, or run this as root"};
  }
  return {"user-namespaces",
          "this process is not root, and may not make user namespaces or mounts in them (" + as_said(error) +
              "); in a container its seccomp or AppArmor profile forbids it",
          "run it outside of the container, or let that be less confined (docker run --security-opt seccomp=unconfined "
          "--security-opt systempaths=unconfined)"};
}

Obstacle without_user_namespace(const std::string& less, const SysError& error) {
  const bool is_off = number_in("/proc/sys/user/max_user_namespaces") == 0;
  return {"user-namespaces", less + " (" + (is_off ? "user.max_user_namespaces is 0" : as_said(error)) + ")",
          is_off ? "sysctl -w user.max_user_namespaces=15000"
                 : "run it outside of the container, or let that make user namespaces (docker run --cap-add SETUID "
                   "--cap-add SETGID --security-opt seccomp=unconfined)"};
}

/** The folder of this process's program, which exists on every host. */
std::optional<std::string> folder_of_program() {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0 || static_cast<std::size_t>(size) == path.size()) return std::nullopt;
  const std::string folder = ::dirname(path.data());
  return folder.size() < 2 ? std::nullopt : std::optional(folder);
}

/** Makes the namespaces of a session with only those steps, and ends it again. Returns why that failed. */
std::optional<SysError> try_namespaces(LinuxHost& host, const std::vector<Step>& more) {
  constexpr uid_t kAnyone = 1;
  EnvelopePlan plan{};
  plan.hostname = "build";
  plan.user = {.uid = kAnyone, .gid = kAnyone, .groups = {}};
  plan.steps = {MakeDirectory{"/dev", 0755}, MountDev{"/dev"}, MakeDirectory{"/proc", 0755}, MountProc{"/proc"}};
  plan.steps.insert(plan.steps.end(), more.begin(), more.end());
  const Nesting nesting;
  const Lessee nobody;
  Journal journal{std::string()};
  SessionIds ids;
  SessionCgroup cgroup({}, {});
  SessionNamespaces inside({}, 0, host.notices);
  NamespaceOpening opening{
      {.plan = plan, .steps = plan.steps, .nesting = nesting, .is_rest = false, .lessee = nobody, .journal = journal},
      host,
      ids,
      cgroup,
      inside,
      false};
  Trace trace;
  auto made = RootPart(opening).make(trace);
  if (made) made = inside.confirm(false, trace);
  if (made) return std::nullopt;
  return std::move(made.error());
}

/** Reports what keeps inputs from being overlays, on a host where try_namespaces() succeeds. */
std::optional<Obstacle> find_overlay_limitation(LinuxHost& host) {
  // Since this version overlayfs takes layers with a map of ids.
  constexpr std::pair kMapped{5, 19};
  const std::optional<std::string> folder = folder_of_program();
  if (!folder) return std::nullopt;
  const Bind overlay{.target = "/overlay",
                     .source = *folder,
                     .is_file = false,
                     .is_writable = false,
                     .dev = 0,
                     .ino = 0,
                     .is_overlay = true};
  const auto error = try_namespaces(
      host, {MakeDirectory{"/overlay", 0755}, MakeDirectory{"/tmp", 0755}, MountTmpfs{"/tmp", 0, 0}, overlay});
  if (error) return overlay_obstacle(*error);
  if (has_callers_id_only() || kernel_version() >= kMapped) return std::nullopt;
  return Obstacle{kOverlay,
                  "inputs of root's sessions cannot be overlays, and are copied: overlayfs of this kernel takes no "
                  "source whose files "
                  "are shown as another user's",
                  "use Linux 5.19 or later"};
}

/** Reports if sessions of root go without a user namespace, or without most of its ids. */
std::optional<Obstacle> find_id_limitation() {
  if (has_callers_id_only()) return std::nullopt;
  const auto ranges = find_id_ranges(std::nullopt);
  const std::string less =
      "sessions of root have no user namespace here: they have ids of the host, one user's for all of "
      "them, and user: 'root' is refused";
  if (!ranges) return without_user_namespace(less, ranges.error());
  if (!*ranges) {
    return Obstacle{
        "ids",
        less +
            " (too few ids are mapped where this process is, or /etc/subuid and /etc/subgid give them all to others)",
        "map more ids to the container, or name some that nobody else has as `user.leased` in the spec"};
  }
  constexpr uid_t kAnyone = 1;
  const auto made =
      make_user_namespace(map_onto(**ranges, (*ranges)->first, {.uid = kAnyone, .gid = kAnyone, .groups = {}}));
  if (!made) return without_user_namespace(less, made.error());
  if ((*ranges)->size == IdRanges::kFull) return std::nullopt;
  return Obstacle{"ids",
                  "few ids are mapped where this process is: a session has " + std::to_string(IdRanges::kFew) +
                      " of them, those of its user and of root among them, and not 65,536",
                  "map more ids to the container, 65,536 from a multiple of that on for each session"};
}

/** Reports a setting under which the credentials of a command in a session cannot be seen before it executes. */
std::optional<Obstacle> find_dumpable_limitation() {
  if (number_in("/proc/sys/fs/suid_dumpable") != 1) return std::nullopt;
  return Obstacle{"suid-dumpable",
                  "a program of this host that becomes another user can be traced by that user, and leaves a core for "
                  "it, with what it had before (fs.suid_dumpable is 1); commands of sessions do neither",
                  "sysctl -w fs.suid_dumpable=0"};
}

/** Reports which networks sessions cannot have. */
std::optional<Obstacle> find_network_limitation() {
  // A session has every capability in a user namespace of its own while it is being made.
  if (has_callers_id_only() || has_capability(CAP_NET_ADMIN)) return std::nullopt;
  return Obstacle{
      "network",
      "root of this container may bring no interface up (it lacks CAP_NET_ADMIN), so that network: 'loopback' and "
      "network.allow are refused",
      "give the container the capability NET_ADMIN (docker run --cap-add NET_ADMIN)"};
}

/** Reports if this process cannot reach /proc/PID/root and the like in sessions, which are not dumpable (proc(5)). */
std::optional<Obstacle> find_looking_limitation() {
  if (has_callers_id_only() || has_capability(CAP_SYS_PTRACE)) return std::nullopt;
  return Obstacle{"ptrace",
                  "root of this container may not look into its sessions (it lacks CAP_SYS_PTRACE), so that nothing is "
                  "kept of a session that failed (keep), and none has a record(), a trace, or a terminal for a command",
                  "give the container the capability SYS_PTRACE (docker run --cap-add SYS_PTRACE)"};
}

/**
 * Reports if the host's processes have another file system than this process at the place of the leases. Process 1
 * stands for the host's; in a container it is the container's own.
 */
std::optional<Obstacle> find_lease_limitation() {
  const std::string place = host_directory_of(::geteuid());
  const auto ours = read_mounts("leases");
  const auto hosts = read_mounts("leases", "/proc/1/mountinfo");
  // /proc can hide it (proc(5), hidepid).
  if (!ours || !hosts || hosts->empty() || folder_shown_at(*ours, place) == folder_shown_at(*hosts, place))
    return std::nullopt;
  return Obstacle{"leases",
                  "this process has a file system of its own at " + place +
                      ", and so have its sessions: one of another program of this user may write to the same output, "
                      "and one of root's have the same ids",
                  "begin it where " + place +
                      " is the host's (without PrivateTmp= of systemd, or unshare --mount), or give it outputs and ids "
                      "that no other program has"};
}

/** Explains why a session's namespaces cannot be made on this host, with one remedy. */
Obstacle explain(const SysError& error) {
  if (kernel_version() < kOldestKernel) {
    return {"version", "this kernel is older than Linux 5.12, which sessions need for mount_setattr(2)",
            "use Linux 5.12 or later"};
  }
  if (error.syscall == "mount" && error.path == "/proc" && error.err == EPERM) {
    return {"proc",
            "parts of /proc are hidden here, as containers do it, and so there may be no other one (" + as_said(error) +
                ")",
            "run it outside of the container, or with all of /proc in it (docker run --security-opt "
            "systempaths=unconfined)"};
  }
  if (error.step == "filter") {
    return {"seccomp", "this kernel, or the container, has no filters on system calls (" + as_said(error) + ")",
            "use a kernel with CONFIG_SECCOMP_FILTER, and let the container make the call seccomp(2)"};
  }
  if (error.err == ENOSPC && !has_callers_id_only()) {
    return {"limit", "there are as many namespaces or mounts as there may be (" + as_said(error) + ")",
            "raise the sysctls user.max_*_namespaces and fs.mount-max"};
  }
  const bool is_refused = error.err == EPERM || error.err == EACCES || error.err == ENOSPC;
  if (is_refused && has_callers_id_only()) return explain_user_namespaces(error);
  if (is_refused) {
    // Docker's filter refuses pivot_root(2) whatever the capabilities are; Podman's does not.
    const std::string less = "--security-opt seccomp=unconfined --security-opt apparmor=unconfined)";
    return {"privilege", "root of this container may not make namespaces or mounts (" + as_said(error) + ")",
            has_capability(CAP_SYS_ADMIN)
                ? "let the container make the system call (docker run " + less
                : "give the container the capability SYS_ADMIN, and its system calls (docker run --cap-add SYS_ADMIN " +
                      less};
  }
  return {"namespaces", "a session's namespaces cannot be made (" + as_said(error) + ")",
          "run it on a kernel and a root file system that allow it"};
}

class Linux final : public System {
 public:
  explicit Linux(NetworkListener listener) : listener_(std::move(listener)) {}

  std::vector<Obstacle> find_obstacles() override {
    auto found = host();
    if (!found) return {explain(found.error())};
    auto error = try_namespaces(**found, {});
    return error ? std::vector<Obstacle>{explain(*error)} : std::vector<Obstacle>{};
  }

  std::vector<Obstacle> find_limitations() override {
    const auto made = host();
    std::vector<Obstacle> found;
    for (const auto& one :
         {find_id_limitation(), find_network_limitation(), find_looking_limitation(), CgroupPlaces().find_limitation(),
          find_lease_limitation(), find_dumpable_limitation(), made ? find_overlay_limitation(**made) : std::nullopt}) {
      if (one) found.push_back(*one);
    }
    return found;
  }

  void shut_down() override {
    {
      const std::lock_guard lock(mutex_);
      if (host_) host_->blanks.end();
    }
    System::shut_down();
  }

 private:
  Status prepare(const EnvelopePlan& plan) override {
    if (has_callers_id_only() && plan.ids) {
      return SysError{.step = "ids",
                      .syscall = "write",
                      .err = EPERM,
                      .path = "/proc/self/uid_map",
                      .detail =
                          "ids can be given by root only: without it a session has the caller's and no other "
                          "(user_namespaces(7))"};
    }
    if (has_callers_id_only() && !plan.user.groups.empty()) {
      return SysError{.step = "user",
                      .syscall = "setgroups",
                      .err = EPERM,
                      .detail = "supplementary groups can be given by root only (user_namespaces(7), setgroups)"};
    }
    return check_network(plan.network);
  }

  Status hold_state(const std::string& state_directory) override { return make_private_directory(state_directory); }

  Result<std::unique_ptr<Envelope>> make(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter, Trace trace,
                                         const Copying& copying) override {
    auto found = host();
    if (!found) return std::move(found.error());
    return open_envelope(std::move(plan), std::move(lessee), std::move(waiter), std::move(*found), std::move(trace),
                         copying);
  }

  Result<std::shared_ptr<LinuxHost>> host() {
    const std::lock_guard lock(mutex_);
    if (!host_) {
      auto image = make_init_image();
      if (!image) return std::move(image.error());
      UniqueFd mounts = has_callers_id_only() ? UniqueFd() : make_empty_mounts();
      host_ = std::make_shared<LinuxHost>(
          NamespaceHost{.init_image = std::move(*image), .empty_mounts = std::move(mounts)}, listener_);
    }
    return host_;
  }

  NetworkListener listener_;
  std::mutex mutex_;
  std::shared_ptr<LinuxHost> host_;
};

}  // namespace

std::unique_ptr<System> System::create(NetworkListener listener) {
  return std::make_unique<Linux>(std::move(listener));
}

}  // namespace buildjail
