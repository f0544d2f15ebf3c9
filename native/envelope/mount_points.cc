#include "envelope/mount_points.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <memory>
#include <optional>

#include "base/unique_fd.h"
#include "state/lease.h"
#include "state/output_lease.h"

namespace buildjail {

PointedFolder MountPoints::folder() const {
  const LentOutput& before = *lease_.before();
  return {.path = before.path, .dev = before.dev, .ino = before.ino};
}

std::vector<MountPoint> MountPoints::missing() const {
  std::vector<MountPoint> missing;
  for (const auto& [path, is_file] : wanted_) {
    for (auto& point : missing_points(lease_.directory(), path, is_file)) {
      const auto is_same = [&point](const MountPoint& other) { return other.path == point.path; };
      if (std::ranges::none_of(missing, is_same)) missing.push_back(std::move(point));
    }
  }
  return missing;
}

std::vector<Fact> MountPoints::facts() const {
  std::vector<Fact> facts;
  if (!lease_.before() || is_made_) return facts;
  for (const MountPoint& point : missing()) facts.push_back(point_fact(folder(), point));
  return facts;
}

std::vector<Fact> MountPoints::made_facts() const {
  std::vector<Fact> facts;
  if (!is_made_) return facts;
  for (const MadePoint& made : made_) facts.push_back(point_fact(folder(), made.point));
  facts.push_back(points_made_fact(folder()));
  return facts;
}

Status MountPoints::make(Trace&) {
  const LentOutput& before = *lease_.before();
  // In a store they stay ours, so that no build removes them. In an output they are whose the folder is, and go with
  // what is in it: to the build where it is handed over, and to nobody with ownership `build` or `unchanged`.
  std::optional<PointOwner> owner;
  const bool is_given = !lease_.bind().is_store && ::geteuid() == 0;
  if (is_given) owner = PointOwner{.uid = before.uid, .gid = before.gid};
  for (const MountPoint& point : missing()) {
    auto made = make_point(lease_.directory(), point, owner);
    if (!made) {
      made.error().path = before.path + "/" + made.error().path;
      return std::move(made.error());
    }
    if (*made) made_.push_back(std::move(**made));
  }
  is_made_ = true;
  return {};
}

Status MountPoints::take_away(TakingAway& taking) {
  if (made_.empty()) return {};
  while (!made_.empty()) {
    if (auto status = remove_point(made_.back()); !status) {
      status.error().path = lease_.before()->path + "/" + status.error().path;
      return status;
    }
    made_.pop_back();
  }
  taking.trace.mark("mount-point", lease_.before()->path);
  return {};
}

void add_mount_points(const Nesting& nesting, const std::vector<const OutputLease*>& leases, Parts& parts) {
  for (const OutputLease* const lease : leases) {
    std::vector<MountPoints::Wanted> wanted;
    for (const auto& [inner, outer] : nesting) {
      if (outer != &lease->bind()) continue;
      wanted.push_back({.path = std::string(mount_point_in(*outer, *inner)), .is_file = inner->is_file});
    }
    if (wanted.empty()) continue;
    // Outer ones first, whichever way the map is ordered.
    std::ranges::sort(wanted, {}, &MountPoints::Wanted::path);
    auto points = std::make_unique<MountPoints>(*lease, std::move(wanted));
    auto noted = std::make_unique<MountPointsNoted>(*points);
    parts.push_back(std::move(points));
    parts.push_back(std::move(noted));
  }
}

MountPointLeft::MountPointLeft(NotedPoint noted, const std::string& host_directory, Holding dead)
    : noted_(std::move(noted)),
      lease_(lease_of(host_directory, noted_.folder.dev, noted_.folder.ino)),
      dead_(std::move(dead)) {}

Status MountPointLeft::take_away(TakingAway&) {
  // Without the lease, the session had taken them away before it died.
  const auto holder = holding_of("mount-point", lease_);
  if (!holder) return holder.error().err == ENOENT ? Status() : holder.error();
  if (!*holder || **holder != dead_) return {};
  const auto& [folder, point] = noted_;
  const UniqueFd top(::open(folder.path.c_str(), kHoldFolder));
  struct stat found{};
  if (!top || ::fstat(top.get(), &found) != 0) {
    // That the folder is not there any more is told by who hands it back.
    const bool is_gone = errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EMLINK;
    return is_gone ? Status() : last_error("mount-point", "open", folder.path);
  }
  if (found.st_ino != folder.ino || static_cast<std::uint64_t>(found.st_dev) != folder.dev) return {};
  return remove_point_left(top.get(), *point);
}

}  // namespace buildjail
