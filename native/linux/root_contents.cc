#include "linux/root_contents.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <set>
#include <utility>

#include "linux/raw_calls.h"

namespace buildjail {

namespace {

constexpr mode_t kTextMode = 0644;
constexpr const char* kDev = "/dev";
constexpr const char* kShm = "/dev/shm";
constexpr const char* kProc = "/proc";

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

/** What covers a part of /proc: the session's /dev/null, or the folder below its /dev/shm, which stays empty. */
constexpr const char* kNoFile = "null";
constexpr const char* kNoFolder = "shm";

struct Hidden {
  const char* path;
  const char* cover;
  bool is_for_root_only = false;
};

// /proc/pressure is about the host alone, and any user may have the kernel watch it: to end one such watch takes the
// kernel milliseconds, for which a build could make its session wait. While a process reads /proc/locks, no process of
// the host can take or give back a lock of a file.
// host takes or gives back a lock of a file.
constexpr auto kHidden = std::to_array<Hidden>({{"/proc/pressure", kNoFolder},
                                                {"/proc/acpi", kNoFolder},
                                                {"/proc/bus", kNoFolder},
                                                {"/proc/fs", kNoFolder},
                                                {"/proc/irq", kNoFolder},
                                                {"/proc/scsi", kNoFolder},
                                                {"/proc/kallsyms", kNoFile},
                                                {"/proc/locks", kNoFile},
                                                {"/proc/modules", kNoFile},
                                                {"/proc/keys", kNoFile},
                                                {"/proc/key-users", kNoFile},
                                                {"/proc/latency_stats", kNoFile},
                                                {"/proc/sched_debug", kNoFile},
                                                {"/proc/timer_list", kNoFile, true},
                                                {"/proc/kcore", kNoFile, true},
                                                {"/proc/sysrq-trigger", kNoFile, true}});

// Read-only keeps owner and mode of the host's node; a device can be written to all the same.
constexpr raw::MountAttributes kNodeAttributes{.set = raw::kReadOnly | raw::kNoSuid | raw::kNoExec};

/** Copies a node of the host, to be mounted elsewhere. */
void copy_node(const Device& device, InitCalls& calls) {
  const CallSite site{.step = "mount", .path = device.source};
  const CallSite verified{
      .step = "verify-device", .path = device.source, .details = {{ESTALE, "it is not the device of that name"}}};
  calls.make(site, kCall_openat, {kHere, device.source, O_PATH | O_NOFOLLOW | O_CLOEXEC}).into(kOpened);
  calls.make(site, kCall_fstat, {kOpened, Scratch()});
  calls.expect(verified, offsetof(struct stat, st_mode), S_IFMT, device.kind, ESTALE);
  calls.expect(verified, offsetof(struct stat, st_rdev), ~std::uint64_t{0}, ::makedev(device.major, device.minor),
               ESTALE);
  calls.make(site, kCall_open_tree, {kOpened, "", raw::kTreeClone | raw::kTreeCloseOnExec | raw::kEmptyPath})
      .into(kCopied);
  calls.set_attributes(site, kCopied, kNodeAttributes);
}

void make_device(const Device& device, bool is_over_host, InitCalls& calls) {
  const CallSite site{.step = "mount", .path = device.source};
  if (!is_over_host) {
    calls.make(site, kCall_mknodat, {kDevSlot, device.name, device.kind | 0666, ::makedev(device.major, device.minor)});
    return;
  }
  copy_node(device, calls);
  calls.make(site, kCall_mknodat, {kDevSlot, device.name, kPlaceholder, 0});
  calls.make(site, kCall_move_mount, {kCopied, "", kDevSlot, device.name, raw::kMoveFromEmptyPath});
}

/** Covers parts of /proc, as far as this kernel has them. */
Status hide(bool are_for_root_only, InitCalls& calls) {
  for (const Hidden& hidden : kHidden) {
    if (hidden.is_for_root_only != are_for_root_only) continue;
    // A look into the host's /proc takes a tenth of the time of a look into a new one.
    if (::access(hidden.path, F_OK) != 0) {
      if (errno != ENOENT) return last_error("mount", "access", hidden.path);
      continue;
    }
    const CallSite site{.step = "mount", .path = hidden.path};
    calls.make(site, kCall_open_tree, {kDevSlot, hidden.cover, raw::kTreeClone | raw::kTreeCloseOnExec}).into(kCopied);
    calls.set_attributes(site, kCopied, kNodeAttributes);
    // defence: proc-host-alone-covered
    calls.make(site, kCall_move_mount, {kCopied, "", kHere, relative(hidden.path), raw::kMoveFromEmptyPath});
  }
  return {};
}

}  // namespace

void make_root(bool is_over_host, InitCalls& calls) {
  const CallSite site{.step = "mount", .path = "/"};
  calls.make(site, kCall_fsopen, {"tmpfs", raw::kFsCloseOnExec}).into(kOpened);
  calls.make(site, kCall_fsconfig, {kOpened, raw::kFsSetString, "mode", "0755", 0});
  calls.make(site, kCall_fsconfig, {kOpened, raw::kFsCreate, 0, 0, 0});
  calls.make(site, kCall_fsmount, {kOpened, raw::kFsCloseOnExec, raw::kNoSuid | raw::kNoDev}).into(kRootSlot);
  // Over the present root: the host's, where paths begin until pivot_root(2), or an empty one. The new root is open, so
  // it needs no name meanwhile.
  calls.make(site, kCall_move_mount, {kRootSlot, "", kHere, "/", raw::kMoveFromEmptyPath});
  calls.make(site, kCall_fchdir, {kRootSlot});
  // An empty root below needs no unmounting.
  if (!is_over_host) calls.make(site, kCall_chroot, {"."});
  calls.mark("mount", "/");
}

bool make_skeleton(const Step& step, InitCalls& calls) {
  const std::string_view target = target_of(step);
  const auto path = relative(target);
  if (const auto* const directory = std::get_if<MakeDirectory>(&step)) {
    calls.make({.step = "mkdir", .path = target}, kCall_mkdirat, {kHere, path, directory->mode});
    calls.mark("mkdir", target);
  } else if (std::holds_alternative<MakeFile>(step)) {
    calls.make({.step = "create", .path = target}, kCall_mknodat, {kHere, path, kPlaceholder, 0});
    calls.mark("create", target);
  } else if (const auto* const link = std::get_if<MakeLink>(&step)) {
    calls.make({.step = "symlink", .path = target}, kCall_symlinkat, {link->value, kHere, path});
    calls.mark("symlink", target);
  } else if (const auto* const file = std::get_if<WriteText>(&step)) {
    const CallSite site{.step = "write", .path = target};
    calls.make(site, kCall_openat, {kHere, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kTextMode}).into(kOpened);
    calls.make(site, kCall_write, {kOpened, file->text, file->text.size()});
    // A mount with a file that is open for writing cannot become read-only (mount(2), EBUSY).
    calls.make(site, kCall_close, {kOpened});
    calls.mark("write", target);
  } else {
    return false;
  }
  return true;
}

void make_dev(bool is_over_host, InitCalls& calls) {
  const CallSite site{.step = "mount", .path = kDev};
  // Devices may lie in a mount of its own only. It is a mount of the folder that is there, because making and removing
  // another tmpfs would cost more than everything in it.
  calls.make(site, kCall_mkdirat, {kHere, relative(kDev), 0755});
  calls.make(site, kCall_open_tree, {kHere, relative(kDev), raw::kTreeClone | raw::kTreeCloseOnExec}).into(kDevSlot);
  calls.set_attributes(site, kDevSlot, {.set = raw::kNoSuid | raw::kNoExec, .clear = raw::kNoDev});
  calls.make(site, kCall_move_mount, {kDevSlot, "", kHere, relative(kDev), raw::kMoveFromEmptyPath});
  for (const Device& device : kDevices) make_device(device, is_over_host, calls);
  for (const auto& [name, value] : kDeviceLinks) calls.make(site, kCall_symlinkat, {value, kDevSlot, name});
  for (const char* const folder : {"shm", "pts"}) calls.make(site, kCall_mkdirat, {kDevSlot, folder, 0755});
  calls.make({.step = "mount", .path = "/dev/pts"}, kCall_mount,
             {"devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, kTerminalOptions});
  calls.mark("mount", kDev);
}

Status finish_dev(const MountDev& step, bool is_over_host, const std::string& options, InitCalls& calls) {
  const CallSite site{.step = "mount", .path = kDev};
  const std::size_t begin = step.target.size() + 1;
  std::set<std::string> folders;
  for (const NamedDevice& named : step.devices) {
    if (auto status = confirm_device(named.path, named, "verify-device"); !status) return status;
    for (std::size_t at = begin; (at = named.path.find('/', at)) != std::string::npos; ++at) {
      const auto [folder, is_new] = folders.insert(named.path.substr(begin, at - begin));
      if (is_new) calls.make(site, kCall_mkdirat, {kDevSlot, *folder, 0755});
    }
    const Device device{.name = named.path.c_str() + begin,
                        .source = named.path.c_str(),
                        .major = major(named.number),
                        .minor = minor(named.number),
                        .kind = named.is_block ? mode_t{S_IFBLK} : mode_t{S_IFCHR}};
    make_device(device, is_over_host, calls);
  }
  calls.make({.step = "mount", .path = kShm}, kCall_mount,
             {"tmpfs", relative(kShm), "tmpfs", kPlain | MS_NOEXEC, options});
  // defence: dev-read-only
  calls.set_attributes(site, kDevSlot, {.set = raw::kReadOnly});
  calls.mark("mount", kShm);
  return {};
}

Status make_proc(InitCalls& calls) {
  const CallSite site{.step = "mount", .path = kProc};
  calls.make(site, kCall_mkdirat, {kHere, relative(kProc), 0755});
  // Shows only the processes that the build may trace. Init is not among them, and a command is not until it executes,
  // because it has init's name and arguments until then (proc(5), hidepid).
  // defence: proc-shows-traced-nothing
  calls.make(site, kCall_mount, {"proc", relative(kProc), "proc", kPlain | MS_NOEXEC, "hidepid=ptraceable"});
  auto status = hide(false, calls);
  calls.mark("mount", kProc);
  return status;
}

void make_whole_proc(InitCalls& calls) {
  constexpr const char* kCovered = "tmp/proc";
  const CallSite site{.step = "mount", .path = kProc};
  calls.make(site, kCall_mkdirat, {kHere, kCovered, 0755});
  calls.make(site, kCall_mount, {"proc", kCovered, "proc", kPlain | MS_NOEXEC, "hidepid=ptraceable"});
}

Status shut_proc(InitCalls& calls) {
  const CallSite site{.step = "mount", .path = kProc};
  calls.make(site, kCall_openat, {kHere, relative(kProc), O_PATH | O_DIRECTORY | O_CLOEXEC}).into(kOpened);
  // A build that is root could write to the host's own files in /proc, such as sys/kernel/core_pattern (proc(5)).
  // defence: proc-read-only-root
  calls.set_attributes(site, kOpened, {.set = raw::kReadOnly});
  return hide(true, calls);
}

}  // namespace buildjail
