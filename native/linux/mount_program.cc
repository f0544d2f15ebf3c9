#include "linux/mount_program.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string_view>
#include <utility>

#include "base/tolerated.h"
#include "base/unique_fd.h"
#include "linux/child.h"
#include "linux/parts.h"
#include "linux/prepared_mounts.h"
#include "linux/raw_calls.h"

namespace buildjail {

namespace {

constexpr unsigned long kPlain = MS_NOSUID | MS_NODEV;
constexpr mode_t kPlaceholder = S_IFREG | 0444;

/**
 * Copies of folders are quicker if the spared copies times the mounts of the host are more than this: freeing a copy
 * takes the kernel as long as searching some thousands of mounts.
 */
constexpr std::size_t kWorthOfFolders = 5000;
/** A folder with fewer sources is worth copying only on a host with more mounts than are counted here. */
constexpr std::size_t kFewestNeighbours = 4;

/** Copies of sources are descriptors, of which a process can have a limited number. */
constexpr std::size_t kMostCopies = 640;
constexpr std::size_t kOtherDescriptors = 32;

constexpr const char* kEtc = "/etc";
constexpr std::string_view kTmp = "/tmp";

std::string tmpfs_options(const MountTmpfs& tmpfs, const std::optional<BuildUser>& owner) {
  std::string options = "mode=1777";
  if (tmpfs.size > 0) options += ",size=" + std::to_string(tmpfs.size);
  // Files take memory by themselves. The root of the file system is one of them.
  // defence: files-memory-bounded-number
  if (tmpfs.files > 0) options += ",nr_inodes=" + std::to_string(tmpfs.files + 1);
  if (owner) options += ",uid=" + std::to_string(owner->uid) + ",gid=" + std::to_string(owner->gid);
  return options;
}

// The bound of /dev/shm is that of /tmp. The kernel can kill no process to free these files: where memory is limited,
// they must leave some for commands and for init. The root needs no bound, because it is sealed before a build begins.
MountTmpfs shm_of(const EnvelopePlan& plan) {
  constexpr std::uint64_t kPartOfMemory = 4;
  MountTmpfs shm{.target = {}, .size = 0, .files = 0};
  for (const Step& step : plan.steps) {
    const auto* const tmpfs = std::get_if<MountTmpfs>(&step);
    if (tmpfs != nullptr && tmpfs->target == kTmp) shm = *tmpfs;
  }
  if (!plan.limits.memory || shm.size <= *plan.limits.memory / kPartOfMemory) return shm;
  return {.target = {}, .size = *plan.limits.memory / kPartOfMemory, .files = shm.files / 2};
}

/** The name of a step in the trace. */
const char* name_of(const Step& step) {
  if (std::holds_alternative<MakeDirectory>(step)) return "mkdir";
  if (std::holds_alternative<MakeFile>(step)) return "create";
  if (std::holds_alternative<WriteText>(step)) return "write";
  return std::holds_alternative<MakeLink>(step) ? "symlink" : "mount";
}

}  // namespace

MountProgram::MountProgram(const NamespaceOpening& opening, const SourceOwners& owners)
    : owners_(owners),
      room_(overlays_of(opening.steps).size()),
      is_rest_(opening.is_rest),
      is_root_(opening.plan.user.uid == 0) {
  // Without one, what is written to belongs to the child's user.
  std::optional<BuildUser> owner;
  if (opening.ids.are_leased()) owner = opening.ids.outside({.uid = 0, .gid = 0, .groups = {}});
  acts_.reserve(opening.steps.size());
  for (const Step& step : opening.steps) {
    Act act{.step = &step};
    if (const auto* tmpfs = std::get_if<MountTmpfs>(&step)) act.options = tmpfs_options(*tmpfs, owner);
    if (std::holds_alternative<MountDev>(step)) act.options = tmpfs_options(shm_of(opening.plan), owner);
    // Shows only the processes that the build may trace: not init, and not a command that is not executed yet, which
    // has the host program's name and arguments until then (proc(5), hidepid).
    // defence: proc-shows-traced-nothing
    if (std::holds_alternative<MountProc>(step)) act.options = "hidepid=ptraceable";
    const auto* const bind = std::get_if<Bind>(&step);
    const auto around = bind == nullptr ? opening.nesting.end() : opening.nesting.find(bind);
    act.is_nested = around != opening.nesting.end();
    if (act.is_nested && around->second->is_overlay) act.points = points_between(*around->second, *bind);
    acts_.push_back(std::move(act));
  }
}

std::vector<MountProgram::MountPoint> MountProgram::points_between(const Bind& overlay, const Bind& nested) {
  std::vector<MountPoint> points;
  for (std::size_t at = overlay.target.size(); at != std::string::npos;) {
    const std::size_t end = nested.target.find('/', at + 1);
    points.push_back({.folder = nested.target.substr(1, at - 1), .name = nested.target.substr(at + 1, end - at - 1)});
    at = end;
  }
  return points;
}

Status MountProgram::look_at_host() {
  for (Act& act : acts_) {
    if (const auto* const dev = std::get_if<MountDev>(act.step)) {
      for (const NamedDevice& device : dev->devices) {
        if (auto status = confirm_device(device.path, device, "verify-device"); !status) return status;
      }
      act.names = device_folders(*dev);
    }
    if (const auto* const proc = std::get_if<MountProc>(act.step)) {
      auto hidden = hidden_in_proc(*proc, is_root_);
      if (!hidden) return std::move(hidden.error());
      act.names = std::move(*hidden);
    }
  }
  return {};
}

bool MountProgram::can_copy_sources() const {
  rlimit descriptors{};
  const Tolerated tolerated("the sources are then looked up in a copy of the host's mounts");
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return false;
  const auto sources = static_cast<std::size_t>(
      std::ranges::count_if(acts_, [](const Act& act) { return std::holds_alternative<Bind>(*act.step); }));
  const std::size_t copies = sources + sources / kFewestNeighbours;
  return copies <= kMostCopies && copies + kOtherDescriptors <= descriptors.rlim_cur;
}

void MountProgram::share_folders(std::size_t host_mounts) {
  std::map<std::string_view, std::vector<Act*>> neighbours;
  for (Act& act : acts_) {
    const auto* bind = std::get_if<Bind>(act.step);
    if (bind == nullptr || bind->is_writable || bind->is_overlay) continue;
    const std::string_view folder = std::string_view(bind->source).substr(0, bind->source.rfind('/'));
    // A copy of the root would copy everything.
    if (!folder.empty()) neighbours[folder].push_back(&act);
  }
  std::erase_if(neighbours, [](const auto& found) { return found.second.size() < kFewestNeighbours; });
  std::size_t spared = 0;
  for (const auto& [path, acts] : neighbours) spared += acts.size() - 1;
  if (spared * host_mounts <= kWorthOfFolders) return;
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

bool MountProgram::copy_sources(Stopped& stopped) {
  for (Act& act : acts_) {
    const auto* bind = std::get_if<Bind>(act.step);
    if (bind == nullptr) continue;
    const Elapsed elapsed(act.ns);
    if (act.folder != nullptr) act.source = copy_in_folder(*act.folder, *bind).release();
    // This one says why it fails.
    if (act.source < 0) act.source = copy_source(*bind, owners_, stopped).release();
    if (act.source < 0) return false;
  }
  return true;
}

UniqueFd MountProgram::copy_in_folder(Folder& folder, const Bind& bind) const {
  if (folder.copy < 0) folder.copy = copy_folder(folder.path.c_str()).release();
  return folder.copy < 0 ? UniqueFd() : copy_source_in(folder.copy, bind, owners_);
}

bool MountProgram::enter_copy_of(int mounts, Stopped& stopped) {
  if (!copy_sources(stopped)) return false;
  const Elapsed elapsed(root_ns_);
  is_over_host_ = false;
  if (::setns(mounts, CLONE_NEWNS) != 0) return stopped.at("mount", "setns", "/");
  if (::unshare(CLONE_NEWNS) != 0) return stopped.at("mount", "unshare", "/");
  // Opened now, because the session's root will cover it.
  if (etc_act_ != nullptr) etc_ = ::open(kEtc, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return etc_act_ == nullptr || etc_ >= 0 || stopped.at("mount", "open", kEtc);
}

bool MountProgram::make_root(int mounts, Stopped& stopped) {
  if (mounts >= 0 && !enter_copy_of(mounts, stopped)) return false;
  const Elapsed elapsed(root_ns_);
  // No mount here may propagate to the host, nor the other way round (mount_namespaces(7), shared subtrees).
  if (is_over_host_ && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return stopped.at("private", "mount", "/");
  const UniqueFd fs(raw::fsopen("tmpfs"));
  if (!fs) return stopped.at("mount", "fsopen", "/");
  if (raw::fsconfig(fs.get(), raw::kFsSetString, "mode", "0755") != 0) return stopped.at("mount", "fsconfig", "/");
  if (raw::fsconfig(fs.get(), raw::kFsCreate, nullptr, nullptr) != 0) return stopped.at("mount", "fsconfig", "/");
  root_ = raw::fsmount(fs.get(), raw::kNoSuid | raw::kNoDev);
  if (root_ < 0) return stopped.at("mount", "fsmount", "/");
  // Over the present root: the host's, from which paths start until pivot_root(2), or an empty one. Ours is open, so it
  // needs no name meanwhile.
  if (raw::move_mount(root_, AT_FDCWD, "/") != 0) return stopped.at("mount", "move_mount", "/");
  if (::fchdir(root_) != 0) return stopped.at("mount", "fchdir", "/");
  // An empty root below needs no unmounting.
  return is_over_host_ || ::chroot(".") == 0 || stopped.at("mount", "chroot", "/");
}

bool MountProgram::find_root(int host, Stopped& stopped) {
  const Elapsed elapsed(root_ns_);
  root_step_ = "complete";
  is_over_host_ = host >= 0;
  // setns(2), CLONE_NEWNS: root and working directory are the topmost mount there.
  root_ = ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root_ < 0) return stopped.at("complete", "open", "/");
  if (!is_over_host_) return true;
  if (::fchdir(host) != 0) return stopped.at("complete", "fchdir", "/");
  if (::chroot(".") != 0) return stopped.at("complete", "chroot", "/");
  return ::fchdir(root_) == 0 || stopped.at("complete", "fchdir", "/");
}

bool MountProgram::fill_root(Stopped& stopped) {
  if (is_rest_ && room_.is_needed() && !room_.take(root_, stopped)) return false;
  for (Act& act : acts_) {
    const Elapsed elapsed(act.ns);
    if (!perform(act, stopped)) return false;
  }
  return !room_.is_needed() || room_.leave(root_, stopped);
}

bool MountProgram::mount_tmpfs(const MountTmpfs& step, const std::string& options, Stopped& stopped) {
  if (!mount_file_system("tmpfs", step.target.c_str(), kPlain, options, stopped)) return false;
  return step.target != kTmp || !room_.is_needed() || room_.take(root_, stopped);
}

bool MountProgram::perform(Act& act, Stopped& stopped) {
  if (act.is_prepared) return true;
  if (is_skeleton(*act.step)) {
    if (!make_skeleton(*act.step, stopped)) return false;
    return &act != etc_act_ || raw::move_mount(etc_, AT_FDCWD, relative(kEtc)) == 0 ||
           stopped.at("mount", "move_mount", kEtc);
  }
  if (const auto* tmpfs = std::get_if<MountTmpfs>(act.step)) return mount_tmpfs(*tmpfs, act.options, stopped);
  if (const auto* proc = std::get_if<MountProc>(act.step)) {
    // defence: proc-read-only-root
    const unsigned long flags = kPlain | MS_NOEXEC | (is_root_ ? MS_RDONLY : 0);
    // /dev is there by now, because a plan is in the order of its targets.
    return mount_file_system("proc", proc->target.c_str(), flags, act.options, stopped) && hide(act.names, stopped);
  }
  if (const auto* dev = std::get_if<MountDev>(act.step))
    return make_dev(*dev, act.names, act.options, is_over_host_, stopped);
  if (const auto* bind = std::get_if<Bind>(act.step)) return mount_source(act, *bind, stopped);
  // A plan for Linux lists no folder (Listed): it shows a shut one as it is (SourceOwners).
  errno = ENOTSUP;
  return stopped.at("mount", "mount", "");
}

bool MountProgram::mount_source(Act& act, const Bind& bind, Stopped& stopped) {
  UniqueFd source = act.source < 0 ? copy_source(bind, owners_, stopped) : UniqueFd(std::exchange(act.source, -1));
  if (source && bind.is_overlay) source = room_.mount(source, bind, root_, stopped);
  if (!source) return false;
  if (!make_points(act, bind, stopped)) return false;
  if (act.is_nested) return mount_nested(source, bind, stopped);
  return raw::move_mount(source.get(), AT_FDCWD, relative(bind.target)) == 0 ||
         stopped.at("mount", "move_mount", bind.source.c_str(), bind.target.c_str());
}

bool MountProgram::make_points(const Act& act, const Bind& bind, Stopped& stopped) const {
  for (const MountPoint& point : act.points) {
    // A link in the source could lead anywhere.
    const UniqueFd folder(raw::open_below(root_, point.folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return stopped.at("mount-point", "openat2", bind.target.c_str());
    const char* const name = point.name.c_str();
    const bool is_file = bind.is_file && &point == &act.points.back();
    const int made = is_file ? ::mknodat(folder.get(), name, kPlaceholder, 0) : ::mkdirat(folder.get(), name, 0755);
    if (made != 0 && errno == EEXIST) continue;
    if (made != 0) return stopped.at("mount-point", is_file ? "mknodat" : "mkdirat", bind.target.c_str());
    struct stat around{};
    if (::fstat(folder.get(), &around) != 0 ||
        ::fchownat(folder.get(), name, around.st_uid, around.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
      return stopped.at("mount-point", "fchownat", bind.target.c_str());
  }
  return true;
}

bool MountProgram::mount_nested(const UniqueFd& source, const Bind& bind, Stopped& stopped) const {
  // Another process of the host may put a link there while this session opens, and it could lead anywhere.
  const std::uint64_t kind = bind.is_file ? 0 : O_DIRECTORY;
  // defence: no-link-leads-mount
  const UniqueFd point(raw::open_below(root_, relative(bind.target), O_PATH | O_CLOEXEC | kind));
  if (!point) {
    stopped.at("mount-point", "openat2", bind.target.c_str());
    if (stopped.err == ELOOP)
      stopped.detail = "the mount point, or a folder on the way there, is a symbolic link by now";
    return false;
  }
  if (raw::move_mount_onto(source.get(), point.get()) == 0) return true;
  stopped.at("mount-point", "move_mount", bind.source.c_str(), bind.target.c_str());
  if (stopped.err == ENOTDIR || stopped.err == EINVAL)
    stopped.detail = bind.is_file ? "the mount point is no file" : "the mount point is no folder";
  return false;
}

bool MountProgram::seal_root(Stopped& stopped) {
  const Elapsed elapsed(seal_ns_);
  // defence: root-read-only
  if (raw::mount_setattr(root_, 0, {.set = raw::kReadOnly}) != 0) return stopped.at("seal-root", "mount_setattr", "/");
  return !is_over_host_ || leave_host(stopped);
}

bool MountProgram::leave_host(Stopped& stopped) {
  // pivot_root(2), "pivot_root(".", ".")": the host's root ends up mounted over ours, and is unmounted.
  if (raw::pivot_root(".", ".") != 0) return stopped.at("pivot-root", "pivot_root", "/");
  // defence: host-root-taken-off
  if (::umount2(".", MNT_DETACH) != 0) return stopped.at("pivot-root", "umount2", "/");
  if (::chdir("/") != 0) return stopped.at("pivot-root", "chdir", "/");
  return true;
}

void MountProgram::add_to(Trace& trace) const {
  trace.add(root_step_, "/", root_ns_);
  for (const Act& act : acts_) {
    if (act.is_prepared) continue;
    trace.add(&act == etc_act_ ? "mount" : name_of(*act.step), target_of(*act.step), act.ns);
  }
  if (seal_ns_ > 0) trace.add("seal-root", "/", seal_ns_);
}

}  // namespace buildjail
