#include "linux/root_contents.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>
#include <variant>

#include "base/tolerated.h"
#include "base/unique_fd.h"
#include "linux/raw_calls.h"
#include "plan/plan.h"

namespace buildjail {

namespace {

constexpr mode_t kPlaceholder = S_IFREG | 0444;
constexpr mode_t kTextMode = 0644;
/** As the child's working directory shows it. */
constexpr const char* kNull = "dev/null";
constexpr const char* kShm = "/dev/shm";
constexpr const char* kTerminals = "/dev/pts";

struct Device {
  const char* name;
  const char* source;
  unsigned major;
  unsigned minor;
  mode_t kind = S_IFCHR;
};

// null(4), full(4), random(4), tty(4). The last is the terminal that controls the process that opens it.
constexpr auto kDevices = std::to_array<Device>({{"null", "/dev/null", 1, 3},
                                                 {"zero", "/dev/zero", 1, 5},
                                                 {"full", "/dev/full", 1, 7},
                                                 {"random", "/dev/random", 1, 8},
                                                 {"urandom", "/dev/urandom", 1, 9},
                                                 {"tty", "/dev/tty", 5, 0}});

/** Terminals of the session's own (pts(4)). They count against those of the host (kernel.pty.max). */
// defence: terminals-session-bounded
constexpr const char* kTerminalOptions = "newinstance,ptmxmode=0666,mode=0600,max=128";

constexpr auto kDeviceLinks = std::to_array<std::pair<const char*, const char*>>(
    {{"fd", "/proc/self/fd"}, {"stdin", "fd/0"}, {"stdout", "fd/1"}, {"stderr", "fd/2"}, {"ptmx", "pts/ptmx"}});

/** With whether it is for root only. */
constexpr auto kHiddenFiles = std::to_array<std::pair<const char*, bool>>({{"keys", false},
                                                                           {"key-users", false},
                                                                           {"latency_stats", false},
                                                                           {"sched_debug", false},
                                                                           {"acpi/wakeup", false},
                                                                           {"scsi/scsi", false},
                                                                           {"timer_list", true},
                                                                           {"kcore", true},
                                                                           {"sysrq-trigger", true}});

bool make(const MakeDirectory& wanted, Stopped& stopped) {
  return ::mkdir(relative(wanted.target), wanted.mode) == 0 || stopped.at("mkdir", "mkdir", wanted.target.c_str());
}

bool make(const MakeFile& wanted, Stopped& stopped) {
  return ::mknodat(AT_FDCWD, relative(wanted.target), kPlaceholder, 0) == 0 ||
         stopped.at("create", "mknodat", wanted.target.c_str());
}

bool make(const MakeLink& wanted, Stopped& stopped) {
  return ::symlink(wanted.value.c_str(), relative(wanted.target)) == 0 ||
         stopped.at("symlink", "symlink", wanted.target.c_str());
}

bool make(const WriteText& wanted, Stopped& stopped) {
  const UniqueFd file(::open(relative(wanted.target), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kTextMode));
  if (!file) return stopped.at("write", "open", wanted.target.c_str());
  const ssize_t written = ::write(file.get(), wanted.text.data(), wanted.text.size());
  if (written == static_cast<ssize_t>(wanted.text.size())) return true;
  // A write is cut short where memory is short.
  if (written >= 0) errno = ENOSPC;
  return stopped.at("write", "write", wanted.target.c_str());
}

/** Other steps are mounts. */
template <class Mount>
bool make(const Mount&, Stopped&) {
  return true;
}

bool bind_device(int directory, const Device& device, Stopped& stopped) {
  const UniqueFd source(::open(device.source, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!source) return stopped.at("mount", "open", device.source);
  struct stat found{};
  if (::fstat(source.get(), &found) != 0) return stopped.at("mount", "fstat", device.source);
  if ((found.st_mode & S_IFMT) != device.kind || found.st_rdev != ::makedev(device.major, device.minor)) {
    errno = ESTALE;
    return stopped.at("verify-device", "fstat", device.source, "", "it is not the device of that name");
  }
  if (::mknodat(directory, device.name, kPlaceholder, 0) != 0) return stopped.at("mount", "mknodat", device.source);
  const UniqueFd node(raw::copy_mount(source.get()));
  if (!node) return stopped.at("mount", "open_tree", device.source);
  // Read-only keeps owner and mode of the host's node; a device can be written to all the same.
  const raw::MountAttributes attributes{.set = raw::kReadOnly | raw::kNoSuid | raw::kNoExec};
  if (raw::mount_setattr(node.get(), 0, attributes) != 0) return stopped.at("mount", "mount_setattr", device.source);
  if (raw::move_mount(node.get(), directory, device.name) != 0) return stopped.at("mount", "move_mount", device.source);
  return true;
}

bool make_device(int directory, const Device& device, bool has_host, Stopped& stopped) {
  {
    // Root of a container may make no devices.
    const Tolerated tolerated("the host's device is then bound, read-only", has_host ? EPERM : Tolerated::kNone);
    if (::mknodat(directory, device.name, device.kind | 0666, ::makedev(device.major, device.minor)) == 0) return true;
  }
  if (errno == EPERM && has_host) return bind_device(directory, device, stopped);
  return stopped.at("mount", "mknodat", device.source);
}

bool make_named_devices(int directory, const MountDev& step, const std::vector<std::string>& folders, bool has_host,
                        Stopped& stopped) {
  for (const std::string& folder : folders) {
    if (::mkdirat(directory, folder.c_str(), 0755) != 0) return stopped.at("mount", "mkdirat", folder.c_str());
  }
  for (const NamedDevice& named : step.devices) {
    const char* const path = named.path.c_str();
    const Device device{.name = path + step.target.size() + 1,
                        .source = path,
                        .major = major(named.number),
                        .minor = minor(named.number),
                        .kind = named.is_block ? mode_t{S_IFBLK} : mode_t{S_IFCHR}};
    if (!make_device(directory, device, has_host, stopped)) return false;
  }
  return true;
}

}  // namespace

bool is_skeleton(const Step& step) {
  return std::holds_alternative<MakeDirectory>(step) || std::holds_alternative<MakeFile>(step) ||
         std::holds_alternative<MakeLink>(step) || std::holds_alternative<WriteText>(step);
}

bool make_skeleton(const Step& step, Stopped& stopped) {
  return std::visit([&stopped](const auto& wanted) { return make(wanted, stopped); }, step);
}

bool mount_file_system(const char* type, const char* target, unsigned long flags, const std::string& options,
                       Stopped& stopped) {
  if (::mount(type, relative(target), type, flags, options.c_str()) == 0) return true;
  return stopped.at("mount", "mount", target);
}

std::vector<std::string> device_folders(const MountDev& dev) {
  std::vector<std::string> folders;
  const std::size_t begin = dev.target.size() + 1;
  for (const NamedDevice& device : dev.devices) {
    for (std::size_t at = begin; (at = device.path.find('/', at)) != std::string::npos; ++at) {
      std::string folder = device.path.substr(begin, at - begin);
      if (std::ranges::find(folders, folder) == folders.end()) folders.push_back(std::move(folder));
    }
  }
  return folders;
}

bool make_dev(const MountDev& step, const std::vector<std::string>& folders, const std::string& shm_options,
              bool has_host, Stopped& stopped) {
  const char* const target = step.target.c_str();
  const auto failed = [&](const char* call) { return stopped.at("mount", call, target); };
  // Devices may be in a mount of its own only. It is one of the directory that is there, because another tmpfs would
  // cost more to make and to take away than all that is in it.
  const UniqueFd directory(::open(relative(step.target), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return failed("open");
  const UniqueFd dev(raw::copy_mount(directory.get()));
  if (!dev) return failed("open_tree");
  if (raw::mount_setattr(dev.get(), 0, {.set = raw::kNoSuid | raw::kNoExec, .clear = raw::kNoDev}) != 0)
    return failed("mount_setattr");
  if (raw::move_mount(dev.get(), AT_FDCWD, relative(step.target)) != 0) return failed("move_mount");
  for (const Device& device : kDevices) {
    if (!make_device(dev.get(), device, has_host, stopped)) return false;
  }
  if (!make_named_devices(dev.get(), step, folders, has_host, stopped)) return false;
  for (const auto& [name, value] : kDeviceLinks) {
    if (::symlinkat(value, dev.get(), name) != 0) return failed("symlinkat");
  }
  if (::mkdirat(dev.get(), "shm", 0755) != 0) return failed("mkdirat");
  constexpr unsigned long kShmFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (!mount_file_system("tmpfs", kShm, kShmFlags, shm_options, stopped)) return false;
  if (::mkdirat(dev.get(), "pts", 0755) != 0) return failed("mkdirat");
  if (!mount_file_system("devpts", kTerminals, MS_NOSUID | MS_NOEXEC, kTerminalOptions, stopped)) return false;
  // defence: dev-read-only
  if (raw::mount_setattr(dev.get(), 0, {.set = raw::kReadOnly}) != 0) return failed("mount_setattr");
  return true;
}

Result<std::vector<std::string>> hidden_in_proc(const MountProc& proc, bool is_root) {
  std::vector<std::string> hidden;
  for (const auto& [name, is_for_root_only] : kHiddenFiles) {
    if (is_for_root_only && !is_root) continue;
    // Looking in the host's /proc takes a tenth of the time that looking in a new one does.
    const std::string of_host = std::string("/proc/") + name;
    if (::access(of_host.c_str(), F_OK) == 0)
      hidden.push_back(relative(proc.target) + std::string("/") + name);
    else if (errno != ENOENT)
      return last_error("mount", "access", of_host);
  }
  return hidden;
}

bool hide(const std::vector<std::string>& hidden, Stopped& stopped) {
  for (const std::string& path : hidden) {
    const UniqueFd cover(raw::open_tree(AT_FDCWD, kNull, raw::kTreeClone | raw::kTreeCloseOnExec));
    if (!cover) return stopped.at("mount", "open_tree", kNull);
    // defence: proc-host-alone-covered
    if (raw::move_mount(cover.get(), AT_FDCWD, path.c_str()) != 0)
      return stopped.at("mount", "move_mount", path.c_str());
  }
  return true;
}

}  // namespace buildjail
