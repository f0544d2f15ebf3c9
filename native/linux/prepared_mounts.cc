#include "linux/prepared_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>
#include <variant>

#include "base/text.h"
#include "base/tolerated.h"
#include "base/unique_fd.h"
#include "linux/child.h"
#include "linux/raw_calls.h"
#include "linux/root_contents.h"

namespace buildjail {

namespace {

bool can_make_devices() {
  constexpr unsigned kMemoryMajor = 1;
  constexpr unsigned kNull = 3;
  return ::mknod("null", S_IFCHR | 0666, ::makedev(kMemoryMajor, kNull)) == 0 && ::unlink("null") == 0;
}

// As MountProgram::make_root. The descriptor is ours too, by CLONE_FILES, and keeps the namespace when the child has
// ended (namespaces(7)).
bool make_empty_mounts_in_child(EmptyMounts& made) {
  made.descriptor.reset(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!made.descriptor) return false;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  const UniqueFd fs(raw::fsopen("tmpfs"));
  if (!fs || raw::fsconfig(fs.get(), raw::kFsCreate, nullptr, nullptr) != 0) return false;
  const UniqueFd root(raw::fsmount(fs.get(), raw::kNoSuid | raw::kNoExec));
  if (!root) return false;
  made.can_copy_copies = static_cast<bool>(UniqueFd(raw::copy_mount(root.get())));
  if (raw::move_mount(root.get(), AT_FDCWD, "/") != 0 || ::fchdir(root.get()) != 0) return false;
  if (!can_make_devices() || ::mkdir("etc", 0755) != 0) return false;
  if (raw::mount_setattr(root.get(), 0, {.set = raw::kReadOnly | raw::kNoDev}) != 0) return false;
  return raw::pivot_root(".", ".") == 0 && ::umount2(".", MNT_DETACH) == 0;
}

constexpr const char* kEtc = "/etc";
constexpr const char* kEtcStep = "prepare-etc";
constexpr unsigned kFirstNotStdio = 3;
constexpr unsigned long kPlain = MS_NOSUID | MS_NODEV;

/** The steps that make something in /etc; none if one of them is in something that is mounted there. */
std::vector<const Step*> steps_in_etc(const std::vector<Step>& steps) {
  std::vector<const Step*> made;
  std::vector<const Step*> mounted;
  bool has_etc = false;
  for (const Step& step : steps) {
    const std::string& target = target_of(step);
    if (target == kEtc) has_etc = std::holds_alternative<MakeDirectory>(step);
    if (target == kEtc && !has_etc) return {};
    if (is_below(target, kEtc)) (is_skeleton(step) ? made : mounted).push_back(&step);
  }
  const auto is_in_a_mount = [&mounted](const Step* step) {
    return std::ranges::any_of(mounted,
                               [step](const Step* mount) { return is_below(target_of(*step), target_of(*mount)); });
  };
  return has_etc && std::ranges::none_of(made, is_in_a_mount) ? made : std::vector<const Step*>();
}

std::string content_of(const std::vector<const Step*>& steps) {
  std::string content;
  const auto add = [&content](std::string_view text) { content.append(text) += '\0'; };
  for (const Step* const step : steps) {
    content += static_cast<char>(step->index());
    add(target_of(*step));
    if (const auto* const directory = std::get_if<MakeDirectory>(step)) add(std::to_string(directory->mode));
    if (const auto* const link = std::get_if<MakeLink>(step)) add(link->value);
    // A text may hold any byte, so its size comes first.
    if (const auto* const text = std::get_if<WriteText>(step)) add(std::to_string(text->text.size()) + text->text);
  }
  return content;
}

// The descriptor of the namespace is ours too, by CLONE_FILES. Those of the files are not: the child of another thread
// could have a copy, and a file that is open for writing keeps its file system from becoming read-only (mount(2),
// EBUSY).
Result<UniqueFd> make_etc(const std::vector<const Step*>& steps, const UniqueFd& empty) {
  UniqueFd mounts;
  const auto make_in_child = [&](Stopped& stopped) {
    const auto failed = [&stopped](const char* syscall, int result) {
      return stopped.failed(kEtcStep, syscall, result, kEtc);
    };
    UniqueFd namespaces(::open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (failed("open", namespaces.get())) return false;
    if (failed("setns", ::setns(empty.get(), CLONE_NEWNS))) return false;
    if (failed("unshare", ::unshare(CLONE_NEWNS))) return false;
    mounts.reset(::openat(namespaces.get(), "mnt", O_RDONLY | O_CLOEXEC));
    if (failed("openat", mounts.get())) return false;
    namespaces.reset();
    if (failed("close_range", raw::close_range(kFirstNotStdio, ~0U, raw::kCloseRangeUnshare))) return false;
    ::umask(0);
    if (failed("mount", ::mount("tmpfs", kEtc, "tmpfs", kPlain, "mode=0755"))) return false;
    for (const Step* const step : steps) {
      if (!make_skeleton(*step, stopped)) return false;
    }
    // The file system itself, and not only this mount, because other sessions mount it too.
    // defence: sessions-linux-together-etc
    return !failed("mount", ::mount(nullptr, kEtc, nullptr, MS_REMOUNT | MS_RDONLY | kPlain, nullptr));
  };
  if (auto status = run_in_child(kEtcStep, CLONE_FILES, make_in_child); !status) return std::move(status.error());
  return above_stdio(std::move(mounts));
}

}  // namespace

bool PreparedEtc::has(const Step& step) { return is_skeleton(step) && is_below(target_of(step), kEtc); }

Result<std::shared_ptr<const UniqueFd>> PreparedEtc::take(const std::vector<Step>& steps, const UniqueFd& empty) {
  const auto made = steps_in_etc(steps);
  if (made.empty()) return std::shared_ptr<const UniqueFd>();
  std::string content = content_of(made);
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(known_, content, &Known::content);
  if (found != known_.end()) {
    std::rotate(found, found + 1, known_.end());
    return known_.back().mounts;
  }
  auto mounts = make_etc(made, empty);
  if (!mounts) return std::move(mounts.error());
  if (known_.size() == kMost) known_.erase(known_.begin());
  known_.push_back({std::move(content), std::make_shared<const UniqueFd>(std::move(*mounts))});
  return known_.back().mounts;
}

EmptyMounts make_empty_mounts() {
  const Tolerated tolerated("without empty mounts to copy, sessions copy the host's");
  EmptyMounts made;
  const auto make_in_child = [&made](Stopped&) { return make_empty_mounts_in_child(made); };
  if (!run_in_child("empty-mounts", CLONE_NEWNS | CLONE_FILES, make_in_child)) return {};
  made.descriptor = above_stdio(std::move(made.descriptor));
  return made;
}

}  // namespace buildjail
