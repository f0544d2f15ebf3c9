#include "linux/mount_program.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "linux/child.h"
#include "linux/hidden_proc.h"
#include "linux/host_mounts.h"
#include "linux/prepared_etc.h"
#include "linux/raw_calls.h"
#include "linux/skeleton.h"
#include "linux/source_copy.h"

namespace buildjail {

namespace {

constexpr unsigned long kPlain = MS_NOSUID | MS_NODEV;
constexpr mode_t kPlaceholder = S_IFREG | 0444;

struct Device {
  const char* name;
  const char* source;
  unsigned major;
  unsigned minor;
  mode_t kind = S_IFCHR;
};

// null(4), full(4), random(4), tty(4). The last is whatever terminal controls the process that opens it.
constexpr auto kDevices = std::to_array<Device>({{"null", "/dev/null", 1, 3},
                                                 {"zero", "/dev/zero", 1, 5},
                                                 {"full", "/dev/full", 1, 7},
                                                 {"random", "/dev/random", 1, 8},
                                                 {"urandom", "/dev/urandom", 1, 9},
                                                 {"tty", "/dev/tty", 5, 0}});

/**
 * Terminals of the session's own (pts(4)). They count against those of the host (kernel.pty.max), so there is a bound.
 */
// defence: terminals-session-bounded
constexpr const char* kTerminalOptions = "newinstance,ptmxmode=0666,mode=0600,max=128";

struct DeviceLink {
  const char* name;
  const char* value;
};

constexpr auto kDeviceLinks = std::to_array<DeviceLink>(
    {{"fd", "/proc/self/fd"}, {"stdin", "fd/0"}, {"stdout", "fd/1"}, {"stderr", "fd/2"}, {"ptmx", "pts/ptmx"}});

/**
 * How many copies from among the host's mounts have to be spared, times how many mounts those are, for copies of
 * folders to be the quicker way: to let go of one takes the kernel as long as to search some thousands of mounts.
 */
constexpr std::size_t kWorthOfFolders = 5000;
/** With fewer it would take more mounts to be worth it than there are worth counting. */
constexpr std::size_t kFewestNeighbours = 4;

constexpr const char* kEtc = "/etc";

/** As its working directory shows it to the child. */
constexpr const char* kNull = "dev/null";

constexpr std::string_view kTmp = "/tmp";

/** Targets are absolute inside, and the child's working directory is that root. */
const char* relative(const std::string& target) { return target.c_str() + 1; }

/** What a build can put into a file system in memory: bytes, and files of any kind, which take memory by themselves. */
struct TmpfsBound {
  std::uint64_t size = 0;
  std::uint64_t files = 0;
};

std::string tmpfs_options(const char* mode, const TmpfsBound& bound, const std::optional<BuildUser>& owner) {
  std::string options = std::string("mode=") + mode;
  if (bound.size > 0) options += ",size=" + std::to_string(bound.size);
  // With the root of the file system.
  // defence: files-memory-bounded-number
  if (bound.files > 0) options += ",nr_inodes=" + std::to_string(bound.files + 1);
  if (owner) options += ",uid=" + std::to_string(owner->uid) + ",gid=" + std::to_string(owner->gid);
  return options;
}

// What a build can fill besides its /tmp has the same bound. Files are nobody's whom the kernel could end for them:
// where memory is limited, they must leave some of it for commands, and for init. The root needs no bound: it is sealed
// before a build begins.
TmpfsBound memory_bound(const EnvelopePlan& plan) {
  constexpr std::uint64_t kPartOfMemory = 4;
  TmpfsBound bound;
  for (const Step& step : plan.steps) {
    const auto* const tmpfs = std::get_if<MountTmpfs>(&step);
    if (tmpfs == nullptr || tmpfs->target != kTmp) continue;
    bound = {.size = tmpfs->size, .files = tmpfs->files};
    break;
  }
  if (plan.limits.memory && bound.size > *plan.limits.memory / kPartOfMemory)
    bound = {.size = *plan.limits.memory / kPartOfMemory, .files = bound.files / 2};
  return bound;
}

bool stop(Stopped& stopped, const char* step, const char* syscall, const char* path, const char* dest = "") {
  stopped = {.step = step, .syscall = syscall, .err = errno, .path = path, .dest = dest, .detail = ""};
  return false;
}

bool stop_stale(Stopped& stopped, const char* step, const char* path, const char* detail) {
  stopped = {.step = step, .syscall = "fstat", .err = ESTALE, .path = path, .dest = "", .detail = detail};
  return false;
}

bool bind_device(int directory, const Device& device, Stopped& stopped) {
  const UniqueFd source(::open(device.source, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!source) return stop(stopped, "mount", "open", device.source);
  struct stat found{};
  if (::fstat(source.get(), &found) != 0) return stop(stopped, "mount", "fstat", device.source);
  if ((found.st_mode & S_IFMT) != device.kind || found.st_rdev != ::makedev(device.major, device.minor)) {
    return stop_stale(stopped, "verify-device", device.source, "it is not the device of that name");
  }
  if (::mknodat(directory, device.name, kPlaceholder, 0) != 0) return stop(stopped, "mount", "mknodat", device.source);
  const UniqueFd node = copy_of(source, 0);
  if (!node) return stop(stopped, "mount", "open_tree", device.source);
  // Read-only keeps owner and mode of the host's node; a device is written to all the same.
  const raw::MountAttributes attributes{.set = raw::kReadOnly | raw::kNoSuid | raw::kNoExec};
  if (raw::mount_setattr(node.get(), 0, attributes) != 0) return stop(stopped, "mount", "mount_setattr", device.source);
  if (raw::move_mount(node.get(), directory, device.name) != 0)
    return stop(stopped, "mount", "move_mount", device.source);
  return true;
}

/**
 * Made anew, as root may; where root of a container or of a user namespace may not (mknod(2), EPERM), it is bound, for
 * which the host's has to be there.
 */
bool make_device(int directory, const Device& device, bool is_over_host, Stopped& stopped) {
  if (::mknodat(directory, device.name, device.kind | 0666, ::makedev(device.major, device.minor)) == 0) return true;
  if (errno == EPERM && is_over_host) return bind_device(directory, device, stopped);
  return stop(stopped, "mount", "mknodat", device.source);
}

/** Between /dev and the devices that a spec names, the outer ones first. */
std::vector<std::string> folders_of(const MountDev& dev) {
  std::vector<std::string> folders;
  for (const NamedDevice& device : dev.devices) {
    for (std::size_t at = dev.target.size() + 1; (at = device.path.find('/', at)) != std::string::npos; ++at) {
      std::string folder = device.path.substr(dev.target.size() + 1, at - dev.target.size() - 1);
      if (std::ranges::find(folders, folder) == folders.end()) folders.push_back(std::move(folder));
    }
  }
  return folders;
}

bool make_named_devices(int directory, const MountDev& dev, const std::vector<std::string>& folders, bool is_over_host,
                        Stopped& stopped) {
  for (const std::string& folder : folders) {
    if (::mkdirat(directory, folder.c_str(), 0755) != 0) return stop(stopped, "mount", "mkdirat", folder.c_str());
  }
  for (const NamedDevice& named : dev.devices) {
    const char* const path = named.path.c_str();
    const Device device{.name = path + dev.target.size() + 1,
                        .source = path,
                        .major = major(named.number),
                        .minor = minor(named.number),
                        .kind = named.is_block ? mode_t{S_IFBLK} : mode_t{S_IFCHR}};
    if (!make_device(directory, device, is_over_host, stopped)) return false;
  }
  return true;
}

bool mount_file_system(const char* type, const std::string& target, unsigned long flags, const std::string& options,
                       Stopped& stopped) {
  if (::mount(type, relative(target), type, flags, options.c_str()) == 0) return true;
  return stop(stopped, "mount", "mount", target.c_str());
}

}  // namespace

MountProgram::MountProgram(const EnvelopePlan& plan, const std::optional<BuildUser>& owner, const SourceOwners& owners,
                           const Nesting& nesting)
    : owners_(owners), room_(overlays_of(plan.steps).size()), is_proc_read_only_(plan.user.uid == 0) {
  acts_.reserve(plan.steps.size());
  for (const Step& step : plan.steps) {
    Act act{.step = &step, .options = {}, .shm = {}, .pts = {}, .device_folders = {}, .hidden = {}, .made = {}};
    if (const auto* tmpfs = std::get_if<MountTmpfs>(&step))
      act.options = tmpfs_options("1777", {.size = tmpfs->size, .files = tmpfs->files}, owner);
    if (const auto* dev = std::get_if<MountDev>(&step)) {
      act.options = tmpfs_options("1777", memory_bound(plan), owner);
      act.shm = dev->target + "/shm";
      act.pts = dev->target + "/pts";
      act.device_folders = folders_of(*dev);
    }
    // Only what the build may look into itself is there: not init, and not a command that is about to be executed,
    // which has the host program's name and arguments until then (proc(5), hidepid).
    // defence: proc-shows-traced-nothing
    if (std::holds_alternative<MountProc>(step)) act.options = "hidepid=ptraceable";
    acts_.push_back(std::move(act));
  }
  mark_nested(nesting);
}

MountProgram::MountProgram(const std::vector<Step>& rest, const SourceOwners& owners, const Nesting& nesting)
    : owners_(owners), room_(overlays_of(rest).size()), has_tmp_(true), is_proc_read_only_(true) {
  acts_.reserve(rest.size());
  for (const Step& step : rest)
    acts_.push_back(
        {.step = &step, .options = {}, .shm = {}, .pts = {}, .device_folders = {}, .hidden = {}, .made = {}});
  mark_nested(nesting);
}

void MountProgram::mark_nested(const Nesting& nesting) {
  if (nesting.empty()) return;
  for (Act& act : acts_) {
    const auto* const bind = std::get_if<Bind>(act.step);
    const auto found = bind == nullptr ? nesting.end() : nesting.find(bind);
    act.is_nested = found != nesting.end();
    if (!act.is_nested || !found->second->is_overlay) continue;
    for (std::size_t at = found->second->target.size(); at != std::string::npos;) {
      const std::size_t end = bind->target.find('/', at + 1);
      act.made.push_back({.folder = bind->target.substr(1, at - 1), .name = bind->target.substr(at + 1, end - at - 1)});
      at = end;
    }
  }
}

Status MountProgram::find_hidden(bool is_root) {
  for (Act& act : acts_) {
    const auto* proc = std::get_if<MountProc>(act.step);
    if (proc == nullptr) continue;
    auto hidden = hidden_in_proc(*proc, is_root);
    if (!hidden) return std::move(hidden.error());
    act.hidden = std::move(*hidden);
  }
  return {};
}

std::size_t MountProgram::most_copies() const {
  const auto sources = static_cast<std::size_t>(
      std::ranges::count_if(acts_, [](const Act& act) { return std::holds_alternative<Bind>(*act.step); }));
  return sources + sources / kFewestNeighbours;
}

void MountProgram::share_folders() {
  std::map<std::string_view, std::vector<Act*>> neighbours;
  for (Act& act : acts_) {
    const auto* bind = std::get_if<Bind>(act.step);
    if (bind == nullptr || bind->is_writable || bind->is_overlay) continue;
    const std::string_view folder = std::string_view(bind->source).substr(0, bind->source.rfind('/'));
    // The root's would be a copy of everything.
    if (!folder.empty()) neighbours[folder].push_back(&act);
  }
  std::erase_if(neighbours, [](const auto& found) { return found.second.size() < kFewestNeighbours; });
  std::size_t spared = 0;
  for (const auto& [path, acts] : neighbours) spared += acts.size() - 1;
  if (spared == 0 || !are_host_mounts(kWorthOfFolders / spared + 1)) return;
  folders_.reserve(neighbours.size());
  for (const auto& [path, acts] : neighbours) {
    Folder& folder = folders_.emplace_back(Folder{.path = std::string(path)});
    for (Act* act : acts) act->folder = &folder;
  }
}

void MountProgram::use_prepared_etc() {
  for (Act& act : acts_) {
    act.is_prepared = PreparedEtc::has(*act.step);
    const auto* const directory = std::get_if<MakeDirectory>(act.step);
    if (directory != nullptr && directory->target == kEtc) etc_act_ = &act;
  }
}

bool MountProgram::place_etc(Stopped& stopped) const {
  return raw::move_mount(etc_, AT_FDCWD, kEtc + 1) == 0 || stop(stopped, "mount", "move_mount", kEtc);
}

bool MountProgram::copy_sources(Stopped& stopped) {
  std::int64_t began = now_ns();
  for (Act& act : acts_) {
    const auto* bind = std::get_if<Bind>(act.step);
    if (bind == nullptr) continue;
    if (act.folder != nullptr) act.source = copy_in_folder(*act.folder, *bind).release();
    // Also to be told why.
    if (act.source < 0) act.source = copy_source(*bind, owners_, stopped).release();
    if (act.source < 0) return false;
    const std::int64_t ended = now_ns();
    act.ns = ended - began;
    began = ended;
  }
  return true;
}

UniqueFd MountProgram::copy_in_folder(Folder& folder, const Bind& bind) const {
  if (folder.copy < 0) folder.copy = copy_folder(folder.path.c_str()).release();
  return folder.copy < 0 ? UniqueFd() : copy_source_in(folder.copy, bind, owners_);
}

bool MountProgram::enter_copy_of(int mounts, Stopped& stopped) {
  const std::int64_t began = now_ns();
  is_over_host_ = false;
  if (::setns(mounts, CLONE_NEWNS) != 0) return stop(stopped, "mount", "setns", "/");
  if (::unshare(CLONE_NEWNS) != 0) return stop(stopped, "mount", "unshare", "/");
  // It is under the session's root then, where no path leads.
  if (etc_act_ != nullptr) etc_ = ::open(kEtc, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (etc_act_ != nullptr && etc_ < 0) return stop(stopped, "mount", "open", kEtc);
  root_ns_ = now_ns() - began;
  return true;
}

bool MountProgram::make_root(Stopped& stopped) {
  const std::int64_t began = now_ns();
  // Nothing that happens here may happen on the host, nor the other way round (mount_namespaces(7), shared subtrees).
  if (is_over_host_ && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return stop(stopped, "private", "mount", "/");
  const UniqueFd fs(raw::fsopen("tmpfs"));
  if (!fs) return stop(stopped, "mount", "fsopen", "/");
  if (raw::fsconfig(fs.get(), raw::kFsSetString, "mode", "0755") != 0) return stop(stopped, "mount", "fsconfig", "/");
  if (raw::fsconfig(fs.get(), raw::kFsCreate, nullptr, nullptr) != 0) return stop(stopped, "mount", "fsconfig", "/");
  root_ = raw::fsmount(fs.get(), raw::kNoSuid | raw::kNoDev);
  if (root_ < 0) return stop(stopped, "mount", "fsmount", "/");
  // Over the root that there is: the host's, from which paths start until pivot_root(2), or an empty one. Ours is open,
  // so it needs no name meanwhile.
  if (raw::move_mount(root_, AT_FDCWD, "/") != 0) return stop(stopped, "mount", "move_mount", "/");
  if (::fchdir(root_) != 0) return stop(stopped, "mount", "fchdir", "/");
  // What is under it is empty, so there is nothing to be rid of.
  if (!is_over_host_ && ::chroot(".") != 0) return stop(stopped, "mount", "chroot", "/");
  root_ns_ += now_ns() - began;
  return true;
}

bool MountProgram::find_root(Stopped& stopped) {
  root_step_ = "complete";
  is_over_host_ = false;
  const std::int64_t began = now_ns();
  root_ = ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root_ < 0) return stop(stopped, "complete", "open", "/");
  root_ns_ = now_ns() - began;
  return true;
}

bool MountProgram::find_root_over(int host, Stopped& stopped) {
  root_step_ = "complete";
  const std::int64_t began = now_ns();
  // setns(2), CLONE_NEWNS: root and working directory are at the top of what is mounted on one another there.
  root_ = ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root_ < 0) return stop(stopped, "complete", "open", "/");
  if (::fchdir(host) != 0) return stop(stopped, "complete", "fchdir", "/");
  if (::chroot(".") != 0) return stop(stopped, "complete", "chroot", "/");
  if (::fchdir(root_) != 0) return stop(stopped, "complete", "fchdir", "/");
  root_ns_ = now_ns() - began;
  return true;
}

bool MountProgram::fill_root(Stopped& stopped) {
  if (has_tmp_ && room_.is_needed() && !room_.take(root_, stopped)) return false;
  std::int64_t began = now_ns();
  for (Act& act : acts_) {
    if (!perform(act, stopped)) return false;
    const std::int64_t ended = now_ns();
    act.ns += ended - began;
    began = ended;
  }
  return !room_.is_needed() || room_.leave(root_, stopped);
}

bool MountProgram::mount_tmpfs(const MountTmpfs& step, const std::string& options, Stopped& stopped) {
  if (!mount_file_system("tmpfs", step.target, kPlain, options, stopped)) return false;
  return step.target != kTmp || !room_.is_needed() || room_.take(root_, stopped);
}

bool MountProgram::perform(Act& act, Stopped& stopped) {
  if (act.is_prepared) return true;
  if (is_skeleton(*act.step)) return make_skeleton(*act.step, stopped) && (&act != etc_act_ || place_etc(stopped));
  if (const auto* tmpfs = std::get_if<MountTmpfs>(act.step)) return mount_tmpfs(*tmpfs, act.options, stopped);
  if (const auto* proc = std::get_if<MountProc>(act.step)) {
    // defence: proc-read-only-root
    const unsigned long flags = kPlain | MS_NOEXEC | (is_proc_read_only_ ? MS_RDONLY : 0);
    // /dev is there by now: it comes first in a plan, which is in the order of its targets.
    return mount_file_system("proc", proc->target, flags, act.options, stopped) && hide(act.hidden, kNull, stopped);
  }
  if (const auto* dev = std::get_if<MountDev>(act.step)) return make_dev(act, *dev, stopped);
  // A plan for Linux lists no folder: it shows a shut one as it is (own_sources.h).
  const auto* const bind = std::get_if<Bind>(act.step);
  return bind == nullptr || mount_source(act, *bind, stopped);
}

bool MountProgram::mount_source(Act& act, const Bind& bind, Stopped& stopped) {
  UniqueFd source = act.source < 0 ? copy_source(bind, owners_, stopped) : UniqueFd(std::exchange(act.source, -1));
  if (source && bind.is_overlay) source = room_.mount(source, bind, root_, stopped);
  if (!source) return false;
  if (!make_point(act, bind, stopped)) return false;
  if (act.is_nested) return mount_nested(source, bind, stopped);
  return raw::move_mount(source.get(), AT_FDCWD, relative(bind.target)) == 0 ||
         stop(stopped, "mount", "move_mount", bind.source.c_str(), bind.target.c_str());
}

bool MountProgram::make_point(const Act& act, const Bind& bind, Stopped& stopped) const {
  for (const auto& [around_it, name_in_it] : act.made) {
    // A link in the source would lead anywhere.
    const UniqueFd folder(raw::open_below(root_, around_it.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return stop(stopped, "mount-point", "openat2", bind.target.c_str());
    const char* const name = name_in_it.c_str();
    const bool is_file = bind.is_file && name == act.made.back().name.c_str();
    const int made = is_file ? ::mknodat(folder.get(), name, kPlaceholder, 0) : ::mkdirat(folder.get(), name, 0755);
    if (made != 0 && errno == EEXIST) continue;
    if (made != 0) return stop(stopped, "mount-point", is_file ? "mknodat" : "mkdirat", bind.target.c_str());
    struct stat around{};
    if (::fstat(folder.get(), &around) != 0 ||
        ::fchownat(folder.get(), name, around.st_uid, around.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
      return stop(stopped, "mount-point", "fchownat", bind.target.c_str());
  }
  return true;
}

bool MountProgram::mount_nested(const UniqueFd& source, const Bind& bind, Stopped& stopped) const {
  // Others of the host may put a link there while this session opens, and it would lead anywhere.
  const std::uint64_t kind = bind.is_file ? 0 : O_DIRECTORY;
  // defence: no-link-leads-mount
  const UniqueFd point(raw::open_below(root_, relative(bind.target), O_PATH | O_CLOEXEC | kind));
  if (!point) {
    stop(stopped, "mount-point", "openat2", bind.target.c_str());
    if (stopped.err == ELOOP)
      stopped.detail = "the mount point, or a folder on the way there, is a symbolic link by now";
    return false;
  }
  if (raw::move_mount_onto(source.get(), point.get()) == 0) return true;
  stop(stopped, "mount-point", "move_mount", bind.source.c_str(), bind.target.c_str());
  if (stopped.err == ENOTDIR || stopped.err == EINVAL)
    stopped.detail = bind.is_file ? "the mount point is no file" : "the mount point is no folder";
  return false;
}

bool MountProgram::make_dev(const Act& act, const MountDev& step, Stopped& stopped) const {
  const char* const target = step.target.c_str();
  // A mount of its own, as only there devices may be, of the directory that there is: another tmpfs would cost more to
  // make and to take away than all that is in it.
  const UniqueFd directory(::open(target + 1, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return stop(stopped, "mount", "open", target);
  const UniqueFd dev = copy_of(directory, 0);
  if (!dev) return stop(stopped, "mount", "open_tree", target);
  if (raw::mount_setattr(dev.get(), 0, {.set = raw::kNoSuid | raw::kNoExec, .clear = raw::kNoDev}) != 0)
    return stop(stopped, "mount", "mount_setattr", target);
  if (raw::move_mount(dev.get(), AT_FDCWD, target + 1) != 0) return stop(stopped, "mount", "move_mount", target);
  for (const Device& device : kDevices) {
    if (!make_device(dev.get(), device, is_over_host_, stopped)) return false;
  }
  if (!make_named_devices(dev.get(), step, act.device_folders, is_over_host_, stopped)) return false;
  for (const DeviceLink& link : kDeviceLinks) {
    if (::symlinkat(link.value, dev.get(), link.name) != 0) return stop(stopped, "mount", "symlinkat", target);
  }
  if (::mkdirat(dev.get(), "shm", 0755) != 0) return stop(stopped, "mount", "mkdirat", target);
  if (!mount_file_system("tmpfs", act.shm, kPlain | MS_NOEXEC, act.options, stopped)) return false;
  if (::mkdirat(dev.get(), "pts", 0755) != 0) return stop(stopped, "mount", "mkdirat", target);
  if (!mount_file_system("devpts", act.pts, MS_NOSUID | MS_NOEXEC, kTerminalOptions, stopped)) return false;
  // defence: dev-read-only
  if (raw::mount_setattr(dev.get(), 0, {.set = raw::kReadOnly}) != 0)
    return stop(stopped, "mount", "mount_setattr", target);
  return true;
}

bool MountProgram::seal_root(Stopped& stopped) {
  const std::int64_t began = now_ns();
  // defence: root-read-only
  if (raw::mount_setattr(root_, 0, {.set = raw::kReadOnly}) != 0)
    return stop(stopped, "seal-root", "mount_setattr", "/");
  if (is_over_host_ && !leave_host(stopped)) return false;
  seal_ns_ = now_ns() - began;
  return true;
}

bool MountProgram::leave_host(Stopped& stopped) {
  // pivot_root(2), "pivot_root(".", ".")": the host's root ends up mounted over ours, and is taken off.
  if (raw::pivot_root(".", ".") != 0) return stop(stopped, "pivot-root", "pivot_root", "/");
  // defence: host-root-taken-off
  if (::umount2(".", MNT_DETACH) != 0) return stop(stopped, "pivot-root", "umount2", "/");
  if (::chdir("/") != 0) return stop(stopped, "pivot-root", "chdir", "/");
  return true;
}

void MountProgram::add_to(Trace& trace) const {
  trace.add(root_step_, "/", root_ns_);
  for (const Act& act : acts_) {
    if (act.is_prepared) continue;
    const auto [name, target] = std::visit(
        [](const auto& step) {
          using Kind = std::decay_t<decltype(step)>;
          const char* kind = std::is_same_v<Kind, MakeDirectory> ? "mkdir"
                             : std::is_same_v<Kind, MakeFile>    ? "create"
                             : std::is_same_v<Kind, WriteText>   ? "write"
                             : std::is_same_v<Kind, MakeLink>    ? "symlink"
                                                                 : "mount";
          return std::pair(kind, step.target);
        },
        *act.step);
    trace.add(&act == etc_act_ ? "mount" : name, target, act.ns);
  }
  if (seal_ns_ > 0) trace.add("seal-root", "/", seal_ns_);
}

}  // namespace buildjail
