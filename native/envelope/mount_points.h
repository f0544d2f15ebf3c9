#pragma once

#include <string>
#include <utility>
#include <vector>

#include "envelope/output.h"
#include "envelope/part.h"
#include "envelope/walk.h"
#include "plan/nesting.h"
#include "state/lessee.h"
#include "state/mount_point.h"

namespace buildjail {

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
