#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "envelope/output.h"
#include "envelope/part.h"
#include "state/journal.h"
#include "state/lease.h"

namespace buildjail {

/** A folder, or an empty file, that is made in a lent folder of the host to mount something on it inside. */
struct MountPoint {
  /** Below the lent folder: `a/b`. */
  std::string path;
  bool is_file = false;
  /** Device and inode of the point once it is made; both 0 before. */
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
};

/** The lent folder that mount points are in. */
struct PointedFolder {
  std::string path;
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;

  bool operator==(const PointedFolder&) const = default;
};

/** The part of the facts about mount points. */
inline constexpr const char* kMountPoint = "mount-point";
/** For a point that will be made, and for one that was. */
Fact point_fact(const PointedFolder& folder, const MountPoint& point);
/** All points of a folder are made. A file that has a noted name, and is not noted as made, is not ours. */
Fact points_made_fact(const PointedFolder& folder);

struct NotedPoint {
  PointedFolder folder;
  /** Empty: all points of the folder are made. */
  std::optional<MountPoint> point;
};

/** Empty for a fact that is neither of the two. */
std::optional<NotedPoint> noted_point(const Fact& fact);

/**
 * The mount points that are missing in one lent folder. They are made before the folder is handed over, and taken away
 * again unless the build put something in them.
 */
class MountPoints final : public Part {
 public:
  /** `lease` is that of the folder, and outlives it. */
  MountPoints(OutputLease& lease, std::vector<MountPoint> wanted) : lease_(&lease), wanted_(std::move(wanted)) {}
  /** Of a dead session. */
  MountPoints(PointedFolder folder, OutputLease& lease) : folder_(std::move(folder)), lease_(&lease) {}
  static constexpr std::string_view kFacts = kMountPoint;
  static void add_planned(const Opening& opening, Parts& parts);
  static Status add_left(const DeadSession& dead, Parts& parts);

  [[nodiscard]] std::string_view step() const override { return "mount-point"; }
  [[nodiscard]] std::string_view target() const override { return lease_->target(); }
  /** Empty before the folder is leased: only then its content shows which points are missing. */
  [[nodiscard]] std::vector<Fact> facts() const override;
  Status make(Trace& trace) override;
  /** The points with their inodes: a name alone would not tell them from files that a build puts in their place. */
  [[nodiscard]] std::vector<Fact> made_facts() const override;
  /** To be called after everything that was mounted on them is gone. */
  Status take_away(TakingAway& taking) override;
  [[nodiscard]] std::string_view place() const override { return lease_->place(); }

 private:
  /** A point that this session made. Its folder is open, so that it is found wherever a build has moved that. */
  struct Made {
    MountPoint point;
    UniqueFd folder;
  };

  [[nodiscard]] std::vector<MountPoint> missing() const;
  static Result<std::optional<Made>> make_one(int folder, const MountPoint& point, const OutputLease& lease);
  Status take_away_left();

  PointedFolder folder_;
  OutputLease* lease_;
  std::vector<MountPoint> wanted_;
  std::vector<Made> made_;
  bool is_made_ = false;

  /** The points that a dead session noted, the outer ones first. */
  std::vector<MountPoint> left_;
};

}  // namespace buildjail
