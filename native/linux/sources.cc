#include "linux/sources.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/tolerated.h"
#include "linux/overlays.h"
#include "linux/parts.h"
#include "linux/raw_calls.h"
#include "state/hand_over.h"

namespace buildjail {

namespace {

constexpr const char* kPinStep = "pin-source";
constexpr std::uint64_t kAllBits = ~std::uint64_t{0};
constexpr int kPinned = O_PATH | O_NOFOLLOW | O_CLOEXEC;
/** The number that stands for no id. */
constexpr std::uint32_t kNoId = 0xffffffff;

/** A map that keeps all ids but two, which change places, because a map gives no id to two. */
std::vector<IdExtent> exchanged(std::uint32_t one, std::uint32_t other) {
  if (one == other) return {{.inside = 0, .outside = 0, .count = kNoId}};
  const auto [low, high] = std::minmax({one, other});
  std::vector<IdExtent> map{{.inside = low, .outside = high, .count = 1}, {.inside = high, .outside = low, .count = 1}};
  // defence: not-owner-stays-overlay
  map.insert(map.end(), {{.inside = 0, .outside = 0, .count = low},
                         {.inside = low + 1, .outside = low + 1, .count = high - low - 1},
                         {.inside = high + 1, .outside = high + 1, .count = kNoId - high - 1}});
  std::erase_if(map, [](const IdExtent& extent) { return extent.count == 0; });
  return map;
}

/** The part of a map that this process can give: in a container not every id is mapped. */
Result<std::vector<IdExtent>> within_own(const std::vector<IdExtent>& map, const char* own) {
  const auto own_map = read_map(kOverlay, own);
  if (!own_map) return own_map.error();
  std::vector<IdExtent> within;
  for (const IdExtent& wanted : map) {
    for (const IdExtent& given : *own_map) {
      const std::uint64_t begin = std::max(wanted.outside, given.inside);
      const std::uint64_t end =
          std::min(std::uint64_t{wanted.outside} + wanted.count, std::uint64_t{given.inside} + given.count);
      if (begin >= end) continue;
      within.push_back({.inside = static_cast<std::uint32_t>(wanted.inside + (begin - wanted.outside)),
                        .outside = static_cast<std::uint32_t>(begin),
                        .count = static_cast<std::uint32_t>(end - begin)});
    }
  }
  return within;
}

Result<UniqueFd> make_overlay_map(uid_t uid, gid_t gid, const BuildUser& outside) {
  // defence: overlay-build-source-owner
  auto uids = within_own(exchanged(uid, outside.uid), "/proc/self/uid_map");
  if (!uids) return std::move(uids.error());
  auto gids = within_own(exchanged(gid, outside.gid), "/proc/self/gid_map");
  if (!gids) return std::move(gids.error());
  return make_user_namespace({.uids = std::move(*uids), .gids = std::move(*gids)});
}

/** Whether only its owner can use it. */
bool is_shut(const struct stat& found, uid_t owner) {
  const mode_t needed = S_ISDIR(found.st_mode) ? S_IROTH | S_IXOTH : S_IROTH;
  if (found.st_uid != owner) return false;
  // defence: shut-open-input-stays
  return (found.st_mode & needed) == 0;
}

// Mounts below an input are part of it, and read-only with it. Below an output they would be writable without having
// been declared, so they are left out. An overlay has none below it (confirm_whole_overlays).
unsigned all_below(const Bind& bind) {
  return bind.is_writable || bind.is_overlay || bind.is_file ? 0 : raw::kRecursive;
}

// Private, because the host's later mounts would propagate to a copy of a shared mount (mount_namespaces(7)).
raw::MountAttributes attributes_of(const Bind& bind) {
  // defence: binds-nosuid
  // defence: inputs-read-only
  return {.set = raw::kNoSuid | raw::kNoDev | (bind.is_writable ? 0 : raw::kReadOnly),
          // defence: mounted-later-stays-outside
          .propagation = MS_PRIVATE};
}

SysError stale(const Bind& bind, const char* detail) {
  return {.step = kPinStep, .syscall = "fstat", .err = ESTALE, .path = bind.source, .detail = detail};
}

// The kernel copies mounts of a more privileged namespace as a whole or not at all (mount_namespaces(7)).
constexpr const char* kLocked = "something is mounted below it, which without root cannot be left out";

}  // namespace

Result<SourceOwners> SourceOwners::find(const NamespaceOpening& opening) {
  SourceOwners owners(opening.ids, opening.ids.outside(opening.plan.user));
  if (owners.ids_.are_leased()) {
    if (auto status = owners.map_outputs(opening); !status) return std::move(status.error());
  }
  if (!opening.are_overlays_mapped) return owners;
  for (const Bind* const overlay : layered_of(opening.steps)) {
    if (auto status = owners.map_overlay(*overlay); !status) return std::move(status.error());
  }
  return owners;
}

// The walk through an output is needed if some calls pass by the filter, or if a build may give files to other ids.
Status SourceOwners::map_outputs(const NamespaceOpening& opening) {
  const EnvelopePlan& plan = opening.plan;
  // defence: mapped-output-no-mark
  if (!plan.allowed.is_empty() || plan.user.uid == 0 || !plan.user.groups.empty()) return {};
  if (plan.ownership != Ownership::kFolder) return {};
  for (const OutputLease* const lease : opening.leases) {
    const LentOutput& before = *lease->before();
    if (lease->bind()->is_store) continue;
    // If an input shows the same folder too, it belongs to another user there.
    const auto shows = [lease](const Bind* source) {
      return !source->is_writable && is_within(lease->bind()->source, source->source);
    };
    const bool is_shown =
        std::ranges::any_of(binds_of(plan.steps), shows) || std::ranges::any_of(binds_of(opening.steps), shows);
    if (is_shown) continue;
    const auto are_others = holds_files_of_others(lease->directory(), before);
    if (!are_others) return are_others.error();
    // defence: mapped-output-files-others
    if (*are_others) continue;
    const auto map = ids_.owner_map({.uid = before.uid, .gid = before.gid, .groups = {}}, outside_);
    if (!map) return map.error();
    outputs_.emplace(lease->bind(), *map);
  }
  return {};
}

Status SourceOwners::map_overlay(const Bind& overlay) {
  if (ids_.are_hosts())
    return no_overlay(overlay,
                      "root's sessions have no user namespace here, and so no files can be shown as the build's",
                      "do what buildjail doctor says of user namespaces");
  struct stat found{};
  if (::lstat(overlay.source.c_str(), &found) != 0) return last_error(kPinStep, "lstat", overlay.source);
  // In the user namespace in which an ordinary caller's child looks at the source, ids have other numbers. Also in
  // src/spec/source-mount.ts.
  if (ids_.are_callers() && (found.st_uid != ::geteuid() || found.st_gid != ::getegid()))
    return no_overlay(overlay,
                      "the folder belongs to the user " + std::to_string(found.st_uid) + " and the group " +
                          std::to_string(found.st_gid) +
                          ", and without root only what is the caller's can be the build's",
                      "use a folder of your own and of your first group, or run it as root");
  if (ids_.are_callers()) return {};
  if (overlay_map_of(found) != nullptr) return {};
  auto map = make_overlay_map(found.st_uid, found.st_gid, outside_);
  if (!map) return std::move(map.error());
  overlays_.push_back({.uid = found.st_uid, .gid = found.st_gid, .user_namespace = std::move(*map)});
  return {};
}

const SourceOwners::OverlayMap* SourceOwners::overlay_map_of(const struct stat& found) const noexcept {
  const auto map = std::ranges::find_if(
      overlays_, [&](const OverlayMap& one) { return one.uid == found.st_uid && one.gid == found.st_gid; });
  return map == overlays_.end() ? nullptr : &*map;
}

Result<int> SourceOwners::map_for(const Bind& bind, const struct stat& found) const {
  const auto output = outputs_.find(&bind);
  if (output != outputs_.end()) return output->second;
  if (!bind.is_overlay) {
    const uid_t caller = ::geteuid();
    // The toolchain's own entries, which no spec names, have no device and file number.
    const bool is_named_input = !bind.is_writable && (bind.dev != 0 || bind.ino != 0);
    if (!ids_.are_leased() || !is_named_input || !is_shut(found, caller)) return -1;
    return ids_.owner_map({.uid = caller, .gid = ::getegid(), .groups = {}}, outside_);
  }
  if (overlays_.empty()) return -1;
  if (const OverlayMap* const map = overlay_map_of(found)) return map->user_namespace.get();
  return stale(bind, "the source belongs to another user than when the session began to open");
}

Result<SourceCopy> copy_source(const Bind& bind, const SourceOwners& owners) {
  const auto failed = [&bind](const char* step, const char* syscall) {
    auto error = last_error(step, syscall, bind.source);
    if (step != std::string_view(kPinStep)) error.dest = bind.target;
    return error;
  };
  UniqueFd copy(raw::copy_mount_of(bind.source.c_str(), all_below(bind)));
  // These errors of open_tree(2) say that the source could not be mounted.
  if (!copy) return failed(errno == EINVAL || errno == ENOMEM || errno == ENOSPC ? "mount" : kPinStep, "open_tree");
  struct stat found{};
  // The look is at the file that will be mounted, whatever its name leads to by now.
  // defence: source-mounted-descriptor-looked
  if (::fstat(copy.get(), &found) != 0) return failed(kPinStep, "fstat");
  if (!is_planned(bind, found)) return stale(bind, kStaleSource);
  raw::MountAttributes attributes = attributes_of(bind);
  const auto known = owners.map_for(bind, found);
  if (!known) return known.error();
  const int map = *known;
  if (map >= 0) {
    attributes.set |= raw::kIdMapped;
    attributes.userns_fd = static_cast<std::uint64_t>(map);
  }
  // defence: mounted-below-input-read
  const auto is_set = [&] { return raw::mount_setattr(copy.get(), raw::kRecursive, attributes) == 0; };
  {
    const Tolerated tolerated("an input may be shut then, and an output is handed over",
                              map >= 0 && !bind.is_overlay ? 0 : Tolerated::kNone);
    if (is_set()) return SourceCopy{.mount = std::move(copy), .is_mapped = map >= 0};
  }
  if (bind.is_overlay) return failed(kOverlay, "mount_setattr");
  // Some file systems cannot be mapped, nor can a mount that is mapped already.
  attributes.set &= ~raw::kIdMapped;
  if (map >= 0 && is_set()) return SourceCopy{.mount = std::move(copy), .is_mapped = false};
  return failed("mount", "mount_setattr");
}

void copy_source_by_init(const Bind& bind, InitCalls& calls) {
  const CallSite pinned{.step = kPinStep, .path = bind.source, .details = {{ESTALE, kStaleSource}}};
  CallSite site{.step = bind.is_overlay ? kOverlay : "mount", .path = bind.source, .dest = bind.target};
  calls.make(pinned, kCall_openat, {kHere, bind.source, kPinned}).into(kOpened);
  if (bind.dev != 0 || bind.ino != 0) {
    calls.make(pinned, kCall_fstat, {kOpened, Scratch()});
    calls.expect(pinned, offsetof(struct stat, st_dev), kAllBits, bind.dev, ESTALE);
    calls.expect(pinned, offsetof(struct stat, st_ino), kAllBits, bind.ino, ESTALE);
  }
  if (bind.is_writable) site.details = {{EINVAL, kLocked}};
  calls
      .make(site, kCall_open_tree,
            {kOpened, "", raw::kTreeClone | raw::kTreeCloseOnExec | raw::kEmptyPath | all_below(bind)})
      .into(kCopied);
  site.details.clear();
  calls.set_attributes(site, kCopied, attributes_of(bind), raw::kRecursive);
}

}  // namespace buildjail
