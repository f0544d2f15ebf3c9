#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "state/fact.h"

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

}  // namespace buildjail
