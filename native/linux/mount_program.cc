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
#include "linux/host_mounts.h"
#include "linux/raw_calls.h"
#include "linux/source_copy.h"

namespace buildjail {

namespace {

constexpr unsigned long kPlain = MS_NOSUID | MS_NODEV;
constexpr mode_t kPlaceholder = S_IFREG | 0444;

struct Device {
  const char* name;
  const char* source;
  unsigned minor;
};

// All of the memory devices, major 1 (null(4), full(4), random(4)).
constexpr unsigned kMemoryMajor = 1;
constexpr auto kDevices = std::to_array<Device>({{"null", "/dev/null", 3},
                                                 {"zero", "/dev/zero", 5},
                                                 {"full", "/dev/full", 7},
                                                 {"random", "/dev/random", 8},
                                                 {"urandom", "/dev/urandom", 9}});

struct DeviceLink {
  const char* name;
  const char* value;
};

constexpr auto kDeviceLinks =
    std::to_array<DeviceLink>({{"fd", "/proc/self/fd"}, {"stdin", "fd/0"}, {"stdout", "fd/1"}, {"stderr", "fd/2"}});

/**
 * How many copies from among the host's mounts have to be spared, times how many mounts those are, for copies of
 * folders to be the quicker way: to let go of one takes the kernel as long as to search some thousands of mounts.
 */
constexpr std::size_t kWorthOfFolders = 5000;
/** With fewer it would take more mounts to be worth it than there are worth counting. */
constexpr std::size_t kFewestNeighbours = 4;

/** Targets are absolute inside, and the child's working directory is that root. */
const char* relative(const std::string& target) { return target.c_str() + 1; }

std::string tmpfs_options(const char* mode, std::uint64_t size) {
  std::string options = std::string("mode=") + mode;
  if (size > 0) options += ",size=" + std::to_string(size);
  return options;
}

// What a build can fill besides its /tmp has the same bound.
std::uint64_t memory_bound(const EnvelopePlan& plan) {
  for (const Step& step : plan.steps) {
    if (const auto* tmpfs = std::get_if<MountTmpfs>(&step)) return tmpfs->size;
  }
  return 0;
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
  if (!S_ISCHR(found.st_mode) || found.st_rdev != ::makedev(kMemoryMajor, device.minor)) {
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
  if (::mknodat(directory, device.name, S_IFCHR | 0666, ::makedev(kMemoryMajor, device.minor)) == 0) return true;
  if (errno == EPERM && is_over_host) return bind_device(directory, device, stopped);
  return stop(stopped, "mount", "mknodat", device.source);
}

bool mount_file_system(const char* type, const std::string& target, unsigned long flags, const std::string& options,
                       Stopped& stopped) {
  if (::mount(type, relative(target), type, flags, options.c_str()) == 0) return true;
  return stop(stopped, "mount", "mount", target.c_str());
}

}  // namespace

MountProgram::MountProgram(const EnvelopePlan& plan) : is_proc_read_only_(plan.user.uid == 0) {
  acts_.reserve(plan.steps.size());
  for (const Step& step : plan.steps) {
    Act act{.step = &step, .options = {}, .shm = {}};
    if (const auto* tmpfs = std::get_if<MountTmpfs>(&step)) act.options = tmpfs_options("1777", tmpfs->size);
    if (const auto* dev = std::get_if<MountDev>(&step)) {
      act.options = tmpfs_options("1777", memory_bound(plan));
      act.shm = dev->target + "/shm";
    }
    // Only what the build may look into itself is there: not init, and not a command that is about to be executed,
    // which has the host program's name and arguments until then (proc(5), hidepid).
    if (std::holds_alternative<MountProc>(step)) act.options = "hidepid=ptraceable";
    acts_.push_back(std::move(act));
  }
}

MountProgram::MountProgram(const std::vector<Step>& rest) : is_proc_read_only_(true) {
  acts_.reserve(rest.size());
  for (const Step& step : rest) acts_.push_back({.step = &step, .options = {}, .shm = {}});
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
    if (bind == nullptr || bind->is_writable) continue;
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

bool MountProgram::copy_sources(Stopped& stopped) {
  std::int64_t began = now_ns();
  for (Act& act : acts_) {
    const auto* bind = std::get_if<Bind>(act.step);
    if (bind == nullptr) continue;
    if (act.folder != nullptr) act.source = copy_in_folder(*act.folder, *bind).release();
    // Also to be told why.
    if (act.source < 0) act.source = copy_source(*bind, stopped).release();
    if (act.source < 0) return false;
    const std::int64_t ended = now_ns();
    act.ns = ended - began;
    began = ended;
  }
  return true;
}

UniqueFd MountProgram::copy_in_folder(Folder& folder, const Bind& bind) {
  if (folder.copy < 0) folder.copy = copy_folder(folder.path.c_str()).release();
  return folder.copy < 0 ? UniqueFd() : copy_source_in(folder.copy, bind);
}

bool MountProgram::enter_copy_of(int mounts, Stopped& stopped) {
  const std::int64_t began = now_ns();
  is_over_host_ = false;
  if (::setns(mounts, CLONE_NEWNS) != 0) return stop(stopped, "mount", "setns", "/");
  if (::unshare(CLONE_NEWNS) != 0) return stop(stopped, "mount", "unshare", "/");
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
  std::int64_t began = now_ns();
  for (Act& act : acts_) {
    if (!perform(act, stopped)) return false;
    const std::int64_t ended = now_ns();
    act.ns += ended - began;
    began = ended;
  }
  return true;
}

bool MountProgram::perform(Act& act, Stopped& stopped) const {
  if (const auto* directory = std::get_if<MakeDirectory>(act.step)) {
    return ::mkdir(relative(directory->target), directory->mode) == 0 ||
           stop(stopped, "mkdir", "mkdir", directory->target.c_str());
  }
  if (const auto* file = std::get_if<MakeFile>(act.step)) {
    return ::mknodat(AT_FDCWD, relative(file->target), kPlaceholder, 0) == 0 ||
           stop(stopped, "create", "mknodat", file->target.c_str());
  }
  if (const auto* link = std::get_if<MakeLink>(act.step)) {
    return ::symlink(link->value.c_str(), relative(link->target)) == 0 ||
           stop(stopped, "symlink", "symlink", link->target.c_str());
  }
  if (const auto* tmpfs = std::get_if<MountTmpfs>(act.step)) {
    return mount_file_system("tmpfs", tmpfs->target, kPlain, act.options, stopped);
  }
  if (const auto* proc = std::get_if<MountProc>(act.step)) {
    const unsigned long flags = kPlain | MS_NOEXEC | (is_proc_read_only_ ? MS_RDONLY : 0);
    return mount_file_system("proc", proc->target, flags, act.options, stopped);
  }
  if (const auto* dev = std::get_if<MountDev>(act.step)) return make_dev(act, dev->target.c_str(), stopped);
  return mount_source(act, std::get<Bind>(*act.step), stopped);
}

bool MountProgram::mount_source(Act& act, const Bind& bind, Stopped& stopped) const {
  const UniqueFd source = act.source < 0 ? copy_source(bind, stopped) : UniqueFd(std::exchange(act.source, -1));
  if (!source) return false;
  return raw::move_mount(source.get(), AT_FDCWD, relative(bind.target)) == 0 ||
         stop(stopped, "mount", "move_mount", bind.source.c_str(), bind.target.c_str());
}

bool MountProgram::make_dev(const Act& act, const char* target, Stopped& stopped) const {
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
  for (const DeviceLink& link : kDeviceLinks) {
    if (::symlinkat(link.value, dev.get(), link.name) != 0) return stop(stopped, "mount", "symlinkat", target);
  }
  if (::mkdirat(dev.get(), "shm", 0755) != 0) return stop(stopped, "mount", "mkdirat", target);
  if (!mount_file_system("tmpfs", act.shm, kPlain | MS_NOEXEC, act.options, stopped)) return false;
  if (raw::mount_setattr(dev.get(), 0, {.set = raw::kReadOnly}) != 0)
    return stop(stopped, "mount", "mount_setattr", target);
  return true;
}

bool MountProgram::seal_root(Stopped& stopped) {
  const std::int64_t began = now_ns();
  if (raw::mount_setattr(root_, 0, {.set = raw::kReadOnly}) != 0)
    return stop(stopped, "seal-root", "mount_setattr", "/");
  if (is_over_host_ && !leave_host(stopped)) return false;
  seal_ns_ = now_ns() - began;
  return true;
}

bool MountProgram::leave_host(Stopped& stopped) {
  // pivot_root(2), "pivot_root(".", ".")": the host's root ends up mounted over ours, and is taken off.
  if (raw::pivot_root(".", ".") != 0) return stop(stopped, "pivot-root", "pivot_root", "/");
  if (::umount2(".", MNT_DETACH) != 0) return stop(stopped, "pivot-root", "umount2", "/");
  if (::chdir("/") != 0) return stop(stopped, "pivot-root", "chdir", "/");
  return true;
}

void MountProgram::add_to(Trace& trace) const {
  trace.add(root_step_, "/", root_ns_);
  for (const Act& act : acts_) {
    const auto [name, target] = std::visit(
        [](const auto& step) {
          using Kind = std::decay_t<decltype(step)>;
          const char* kind = std::is_same_v<Kind, MakeDirectory> ? "mkdir"
                             : std::is_same_v<Kind, MakeFile>    ? "create"
                             : std::is_same_v<Kind, MakeLink>    ? "symlink"
                                                                 : "mount";
          return std::pair(kind, step.target);
        },
        *act.step);
    trace.add(name, target, act.ns);
  }
  if (seal_ns_ > 0) trace.add("seal-root", "/", seal_ns_);
}

}  // namespace buildjail
