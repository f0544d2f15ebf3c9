#include "linux/overlay_maps.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string>

#include "linux/id_map.h"
#include "linux/overlay_errors.h"
#include "linux/user_space.h"

namespace buildjail {

namespace {

/** The number of no id. */
constexpr std::uint64_t kEnd = 0xffffffff;

/** All ids are themselves but two, which change places: a map may give no id to two. */
std::vector<IdExtent> exchanged(std::uint32_t one, std::uint32_t other) {
  if (one == other) return {{.inside = 0, .outside = 0, .count = static_cast<std::uint32_t>(kEnd)}};
  const std::array<std::uint64_t, 2> both{std::min(one, other), std::max(one, other)};
  std::vector<IdExtent> map;
  std::uint64_t next = 0;
  for (std::size_t i = 0; i <= both.size(); ++i) {
    const std::uint64_t end = i < both.size() ? both.at(i) : kEnd;
    const auto first = static_cast<std::uint32_t>(next);
    // defence: not-owner-stays-overlay
    if (end > next) map.push_back({.inside = first, .outside = first, .count = static_cast<std::uint32_t>(end - next)});
    if (i == both.size()) break;
    map.push_back({.inside = static_cast<std::uint32_t>(both.at(i)),
                   .outside = static_cast<std::uint32_t>(both.at(1 - i)),
                   .count = 1});
    next = both.at(i) + 1;
  }
  return map;
}

/** What of a map this process can give: in a container, not every id is there. */
Result<std::vector<IdExtent>> within_own(const std::vector<IdExtent>& map, const char* own) {
  const auto had = read_map(kOverlay, own);
  if (!had) return had.error();
  std::vector<IdExtent> within;
  for (const IdExtent& wanted : map) {
    for (const IdExtent& given : *had) {
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

Result<UniqueFd> space_of(uid_t uid, gid_t gid, const BuildUser& outside) {
  // defence: overlay-build-source-owner
  auto uids = within_own(exchanged(uid, outside.uid), "/proc/self/uid_map");
  if (!uids) return std::move(uids.error());
  auto gids = within_own(exchanged(gid, outside.gid), "/proc/self/gid_map");
  if (!gids) return std::move(gids.error());
  return make_user_space({.uids = std::move(*uids), .gids = std::move(*gids)});
}

}  // namespace

Result<OverlayMaps> OverlayMaps::find(const std::vector<Step>& steps, const std::optional<BuildUser>& outside) {
  OverlayMaps maps;
  // In a user namespace of its own, as an ordinary caller's child is, ids have other numbers.
  maps.are_needed_ = outside.has_value();
  for (const Bind* const overlay : overlays_of(steps)) {
    struct stat found{};
    if (::lstat(overlay->source.c_str(), &found) != 0) return last_error("pin-source", "lstat", overlay->source);
    if (!outside && found.st_uid != ::geteuid()) return overlay_of_another(*overlay, found.st_uid);
    if (!outside || maps.knows(found)) continue;
    auto space = space_of(found.st_uid, found.st_gid, *outside);
    if (!space) return std::move(space.error());
    maps.owners_.push_back({.uid = found.st_uid, .gid = found.st_gid, .space = std::move(*space)});
  }
  return maps;
}

const OverlayMaps::Owner* OverlayMaps::owner_of(const struct stat& source) const noexcept {
  const auto found = std::ranges::find_if(
      owners_, [&](const Owner& owner) { return owner.uid == source.st_uid && owner.gid == source.st_gid; });
  return found == owners_.end() ? nullptr : &*found;
}

int OverlayMaps::space_for(const struct stat& source) const noexcept {
  const Owner* const owner = owner_of(source);
  return owner == nullptr ? -1 : owner->space.get();
}

bool OverlayMaps::knows(const struct stat& source) const noexcept {
  return !are_needed_ || owner_of(source) != nullptr;
}

std::vector<int> OverlayMaps::spaces() const {
  std::vector<int> spaces;
  spaces.reserve(owners_.size());
  for (const Owner& owner : owners_) spaces.push_back(owner.space.get());
  return spaces;
}

}  // namespace buildjail
