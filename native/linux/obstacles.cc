#include "linux/obstacles.h"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string>

#include "base/unique_fd.h"
#include "linux/namespaces.h"

namespace buildjail {

namespace {

/** mount_setattr(2). */
constexpr std::pair kOldestKernel{5, 12};

/** The number in a file of /proc/sys; nothing where there is no such file. */
std::optional<long> setting(const char* path) {
  const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::array<char, 32> text{};
  const ssize_t got = ::read(file.get(), text.data(), text.size());
  long value = 0;
  if (got <= 0 || std::from_chars(text.data(), text.data() + got, value).ec != std::errc()) return std::nullopt;
  return value;
}

std::pair<int, int> kernel_version() {
  utsname names{};
  std::pair<int, int> version{0, 0};
  if (::uname(&names) != 0) return version;
  const char* const end = names.release + sizeof(names.release);
  const auto [dot, error] = std::from_chars(names.release, end, version.first);
  if (error == std::errc()) std::from_chars(dot + 1, end, version.second);
  return version;
}

std::string as_said(const SysError& error) {
  const std::string on = error.path.empty() ? "" : " " + error.path;
  return error.syscall + on + ": " + errno_name(error.err) + ", step " + error.step;
}

Obstacle explain_user_namespaces(const SysError& error) {
  if (setting("/proc/sys/kernel/unprivileged_userns_clone") == 0) {
    return {
        "user-namespaces",
        "this process is not root, and user namespaces are for root only here (kernel.unprivileged_userns_clone is 0)",
        "sysctl -w kernel.unprivileged_userns_clone=1 as root, or run this as root"};
  }
  if (setting("/proc/sys/user/max_user_namespaces") == 0) {
    return {"user-namespaces",
            "this process is not root, and there may be no user namespaces here (user.max_user_namespaces is 0)",
            "sysctl -w user.max_user_namespaces=15000 as root, or run this as root"};
  }
  if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").value_or(0) != 0) {
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

}  // namespace

std::optional<SysError> try_namespaces(const UniqueFd& init_image) {
  constexpr uid_t kAnyone = 1;
  const EnvelopePlan plan{
      .name = {},
      .state_directory = {},
      .hostname = "build",
      .is_host_network = false,
      .is_base = false,
      .user = {.uid = kAnyone, .gid = kAnyone, .groups = {}},
      .steps = {MakeDirectory{"/dev", 0755}, MountDev{"/dev"}, MakeDirectory{"/proc", 0755}, MountProc{"/proc"}}};
  Trace trace;
  const EmptyMounts no_mounts;
  const UniqueFd no_network;
  auto made = Namespaces::make(plan, {.init_image = init_image, .mounts = no_mounts, .network = no_network}, trace);
  if (made) return std::nullopt;
  return std::move(made.error());
}

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
  if (error.err == ENOSPC && !needs_user_namespace()) {
    return {"limit", "there are as many namespaces as there may be (" + as_said(error) + ")",
            "raise the sysctls user.max_*_namespaces"};
  }
  const bool is_refused = error.err == EPERM || error.err == EACCES || error.err == ENOSPC;
  if (is_refused && needs_user_namespace()) return explain_user_namespaces(error);
  if (is_refused) {
    return {"privilege", "root of this container may not make namespaces or mounts (" + as_said(error) + ")",
            "give the container the capability SYS_ADMIN (docker run --cap-add SYS_ADMIN --security-opt "
            "apparmor=unconfined)"};
  }
  return {"namespaces", "a session's namespaces cannot be made (" + as_said(error) + ")",
          "run it on a kernel and a root file system that allow it"};
}

}  // namespace buildjail
