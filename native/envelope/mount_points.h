#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "envelope/output.h"
#include "envelope/part.h"
#include "envelope/walk.h"
#include "plan/nesting.h"
#include "state/journal.h"
#include "state/lease.h"

namespace buildjail {

/** A folder, or an empty file, in a lent folder of the host: something is mounted on it inside. */
struct MountPoint {
  /** Below the lent folder: `a/b`. */
  std::string path;
  bool is_file = false;
  /** What was made, by device and file number; both 0 while that is not known. */
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
};

/** The lent folder that mount points are in. */
struct PointedFolder {
  std::string path;
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
};

/** The part of the facts that tell of mount points. */
inline constexpr const char* kMountPoint = "mount-point";
/** Of a point that is about to be made, and of one that was. */
Fact point_fact(const PointedFolder& folder, const MountPoint& point);
/** All of a folder's are made: what is there by a name that was noted, and is not noted as made, is not ours. */
Fact points_made_fact(const PointedFolder& folder);

struct NotedPoint {
  PointedFolder folder;
  /** Nothing: all of the folder's are made. */
  std::optional<MountPoint> point;
};

/** Nothing where it is neither of the two. */
std::optional<NotedPoint> noted_point(const Fact& fact);

/** What of `path` is not there yet below an open folder, the outer first. Whether it can be made shows when it is. */
std::vector<MountPoint> missing_points(int folder, std::string_view path, bool is_file);

/** One that was made, held by the folder that it is in, so that it is found again wherever that was moved to. */
struct MadePoint {
  MountPoint point;
  UniqueFd folder;
};

/** Whose a new point is. */
struct PointOwner {
  uid_t uid;
  gid_t gid;
};

/**
 * Makes a point, by descriptor and following no link. Nothing where one is there by now: that is somebody else's. An
 * error where something else is there.
 */
Result<std::optional<MadePoint>> make_point(int folder, const MountPoint& point,
                                            const std::optional<PointOwner>& owner);

/** Removes it where it is still the one that was made, and empty. What the build put there stays. */
Status remove_point(const MadePoint& made);
/**
 * Of a dead session. One that is not known to have been made is removed if it is empty: nobody but a session that
 * died before its build began can have put it there.
 */
Status remove_point_left(int folder, const MountPoint& point);

/**
 * What is missing in one lent folder for other things to be mounted in it. It is made before the folder is handed over,
 * and taken away again unless the build put something in it.
 */
class MountPoints final : public Part {
 public:
  struct Wanted {
    std::string path;
    bool is_file;
  };

  /** `lease` is of the folder, and outlives it. */
  MountPoints(const OutputLease& lease, std::vector<Wanted> wanted) : lease_(lease), wanted_(std::move(wanted)) {}

  [[nodiscard]] std::string_view step() const override { return "mount-point"; }
  [[nodiscard]] std::string_view target() const override { return lease_.target(); }
  /** None before the folder is leased: it is looked into for what is missing. */
  [[nodiscard]] std::vector<Fact> facts() const override;
  Status make(Trace& trace) override;
  /** After everything that was mounted on them. */
  Status take_away(TakingAway& taking) override;
  [[nodiscard]] std::string_view place() const override { return lease_.place(); }

  /** What was made, for the journal: a name alone would not tell it from what a build puts in its place. */
  [[nodiscard]] std::vector<Fact> made_facts() const;

 private:
  [[nodiscard]] PointedFolder folder() const;
  [[nodiscard]] std::vector<MountPoint> missing() const;

  const OutputLease& lease_;
  std::vector<Wanted> wanted_;
  std::vector<MadePoint> made_;
  bool is_made_ = false;
};

/** Notes which mount points were made. */
class MountPointsNoted final : public Part {
 public:
  /** `points` outlives it. */
  explicit MountPointsNoted(const MountPoints& points) : points_(points) {}
  [[nodiscard]] std::vector<Fact> facts() const override { return points_.made_facts(); }
  Status make(Trace&) override { return {}; }
  [[nodiscard]] std::string_view place() const override { return points_.place(); }

 private:
  const MountPoints& points_;
};

/** For each of the leased folders in which others are mounted: its points, and the note of them. */
void add_mount_points(const Nesting& nesting, const std::vector<const OutputLease*>& leases, Parts& parts);

/** A mount point that a dead session left. */
class MountPointLeft final : public Part {
 public:
  /** `host_directory` is where its leases are. */
  MountPointLeft(NotedPoint noted, const std::string& host_directory, Holding dead);

  [[nodiscard]] std::string_view step() const override { return "mount-point"; }
  Status make(Trace&) override { return {}; }
  Status take_away(TakingAway& taking) override;
  [[nodiscard]] std::string_view place() const override { return lease_; }

 private:
  NotedPoint noted_;
  std::string lease_;
  Holding dead_;
};

}  // namespace buildjail
