#include "linux/root.h"

#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "base/tolerated.h"
#include "base/unique_fd.h"
#include "linux/copies.h"
#include "linux/overlays.h"
#include "linux/parts.h"
#include "linux/raw_calls.h"
#include "linux/root_contents.h"

namespace buildjail {

namespace {

constexpr std::string_view kTmp = "/tmp";
// A link could lead anywhere: another process of the host may put one there while the session opens.
// defence: no-link-leads-mount
constexpr std::uint64_t kNoLinks = raw::kResolveBeneath | raw::kResolveNoLinks | raw::kResolveNoMagicLinks;
constexpr raw::OpenHow kBelow{.flags = O_PATH | O_CLOEXEC, .mode = 0, .resolve = kNoLinks};
constexpr raw::OpenHow kFolderBelow{.flags = kBelow.flags | O_DIRECTORY, .mode = 0, .resolve = kNoLinks};

/** The bounds of a tmpfs: bytes, and files, which take memory by themselves. */
struct TmpfsBound {
  std::uint64_t size = 0;
  std::uint64_t files = 0;
};

std::string tmpfs_options(const TmpfsBound& bound, const std::optional<BuildUser>& owner) {
  std::string options = "mode=1777";
  if (bound.size > 0) options += ",size=" + std::to_string(bound.size);
  // The root of the file system is one of them.
  // defence: files-memory-bounded-number
  if (bound.files > 0) options += ",nr_inodes=" + std::to_string(bound.files + 1);
  if (owner) options += ",uid=" + std::to_string(owner->uid) + ",gid=" + std::to_string(owner->gid);
  return options;
}

// The bound of /dev/shm is that of /tmp. The kernel can kill no process to free these files: where memory is limited,
// they must leave some for commands and for init. The root needs no bound, because it is sealed before a build begins.
TmpfsBound shm_bound(const EnvelopePlan& plan) {
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

/** A blank has it already. */
bool is_in_blank(const Step& step) {
  const auto* const directory = std::get_if<MakeDirectory>(&step);
  return directory != nullptr && (directory->target == "/dev" || directory->target == "/proc");
}

/** The steps of one opening, as calls. */
class RootSteps {
 public:
  RootSteps(const NamespaceOpening& opening, const SourceOwners& owners, InitCalls& calls, Trace& trace)
      : opening_(opening), owners_(owners), calls_(calls), trace_(trace), overlays_(layered_of(opening.steps).size()) {}

  Status add() {
    if (opening_.is_rest && overlays_ > 0) take_room(calls_);
    if (!opening_.is_rest) give_to_root("/");
    for (const Step& step : opening_.steps) {
      calls_.begin_step();
      if (is_in_blank(step)) continue;
      if (make_skeleton(step, calls_)) {
        if (std::holds_alternative<MakeDirectory>(step)) give_to_root(target_of(step));
        continue;
      }
      if (auto status = add(step); !status) return status;
    }
    if (!layered_of(opening_.steps).empty()) leave_room(calls_);
    return {};
  }

 private:
  /** Root of the session. Empty if the files that are written belong to the child's user. */
  [[nodiscard]] std::optional<BuildUser> root() const {
    if (!opening_.ids.are_leased()) return std::nullopt;
    return opening_.ids.outside({.uid = 0, .gid = 0, .groups = {}});
  }

  /**
   * Some programs trust a file only if each folder on the way to it belongs to root or to them, such as ssh(1) and the
   * compiler of Next.
   */
  void give_to_root(std::string_view target) {
    const auto owner = root();
    if (!owner) return;
    const std::string_view name = target == "/" ? "." : relative(target);
    calls_.make({.step = "chown", .path = target}, kCall_fchownat, {kHere, name, owner->uid, owner->gid, 0});
  }

  Status add(const Step& step) {
    const EnvelopePlan& plan = opening_.plan;
    if (target_of(step) == kTmp && plan.user.uid != 0 && plan.allowed.has(Allowance::kUserNamespaces))
      make_whole_proc(calls_);
    const auto owner = root();
    if (const auto* const tmpfs = std::get_if<MountTmpfs>(&step)) {
      calls_.make({.step = "mount", .path = tmpfs->target}, kCall_mount,
                  {"tmpfs", relative(tmpfs->target), "tmpfs", kPlain,
                   tmpfs_options({.size = tmpfs->size, .files = tmpfs->files}, owner)});
      if (tmpfs->target == kTmp && overlays_ > 0) take_room(calls_);
      calls_.mark("mount", tmpfs->target);
      return {};
    }
    if (const auto* const dev = std::get_if<MountDev>(&step))
      return finish_dev(*dev, opening_.host.namespaces.is_over_host(), tmpfs_options(shm_bound(plan), owner), calls_);
    if (std::holds_alternative<MountProc>(step)) return plan.user.uid == 0 ? shut_proc(calls_) : Status();
    if (const auto* const bind = std::get_if<Bind>(&step)) return add_source(*bind);
    // A plan for Linux lists no folder (Listed): it shows a shut one as it is (SourceOwners).
    return SysError{.step = "mount", .syscall = "mount", .err = ENOTSUP, .path = target_of(step)};
  }

  Status add_source(const Bind& bind) {
    const auto began = std::chrono::steady_clock::now();
    std::chrono::nanoseconds copying{};
    Slot source = kCopied;
    if (bind.is_copy) {
      auto top = copy_by_host(bind, opening_, calls_, trace_);
      if (!top) return std::move(top.error());
      opening_.inside.keep_copy(bind, std::move(*top));
    } else if (opening_.ids.are_callers()) {
      copy_source_by_init(bind, calls_);
    } else {
      auto copy = copy_source(bind, owners_);
      if (!copy) return std::move(copy.error());
      copying = std::chrono::steady_clock::now() - began;
      source = calls_.pass(std::move(copy->mount));
      if (OutputLease* const lease = opening_.lease_of(bind); copy->is_mapped && lease != nullptr) lease->lend_mapped();
    }
    if (bind.is_overlay && !bind.is_copy) {
      make_overlay(source, bind, std::to_string(--overlays_), calls_);
      source = kCopied;
    }
    const auto around = opening_.nesting.find(&bind);
    const bool is_nested = around != opening_.nesting.end();
    if (is_nested && around->second->is_overlay) add_points(*around->second, bind);
    const CallSite site{.step = "mount", .path = bind.source, .dest = bind.target};
    if (!is_nested) {
      calls_.make(site, kCall_move_mount, {source, "", kHere, relative(bind.target), raw::kMoveFromEmptyPath});
    } else {
      calls_
          .make({.step = "mount-point",
                 .path = bind.target,
                 .details = {{ELOOP, "the mount point, or a folder on the way there, is a symbolic link by now"}}},
                kCall_openat2,
                {kRootSlot, relative(bind.target), CallArgument::bytes(bind.is_file ? kBelow : kFolderBelow),
                 sizeof(raw::OpenHow)})
          .into(kOpened);
      const char* const no_point = bind.is_file ? "the mount point is no file" : "the mount point is no folder";
      calls_.make({.step = "mount-point",
                   .path = bind.source,
                   .dest = bind.target,
                   .details = {{ENOTDIR, no_point}, {EINVAL, no_point}}},
                  kCall_move_mount, {source, "", kOpened, "", raw::kMoveFromEmptyPath | raw::kMoveToEmptyPath});
    }
    calls_.mark("mount", bind.target, copying.count());
    return {};
  }

  void add_points(const Bind& overlay, const Bind& nested) {
    const CallSite site{.step = "mount-point", .path = nested.target};
    for (std::size_t at = overlay.target.size(); at != std::string::npos;) {
      const std::size_t end = nested.target.find('/', at + 1);
      const std::string name = nested.target.substr(at + 1, end - at - 1);
      calls_
          .make(site, kCall_openat2,
                {kRootSlot, nested.target.substr(1, at - 1), CallArgument::bytes(kFolderBelow), sizeof(raw::OpenHow)})
          .into(kOpened);
      const bool is_file = nested.is_file && end == std::string::npos;
      {
        const Tolerated tolerated("it is there already, and keeps its owner", EEXIST);
        if (is_file)
          calls_.make(site, kCall_mknodat, {kOpened, name, kPlaceholder, 0});
        else
          calls_.make(site, kCall_mkdirat, {kOpened, name, 0755});
        calls_.may_fail(EEXIST, 2);
      }
      calls_.make(site, kCall_fstat, {kOpened, Scratch()});
      calls_.make(site, kCall_fchownat,
                  {kOpened, name, ScratchWord{offsetof(struct stat, st_uid)},
                   ScratchWord{offsetof(struct stat, st_gid)}, AT_SYMLINK_NOFOLLOW});
      at = end;
    }
  }

  const NamespaceOpening& opening_;
  const SourceOwners& owners_;
  InitCalls& calls_;
  Trace& trace_;
  /** The number of overlays that are not made yet. */
  std::size_t overlays_;
};

}  // namespace

Status add_root(const NamespaceOpening& opening, const SourceOwners& owners, InitCalls& calls, Trace& trace) {
  return RootSteps(opening, owners, calls, trace).add();
}

}  // namespace buildjail
