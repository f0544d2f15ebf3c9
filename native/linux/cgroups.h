#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "envelope/system.h"
#include "plan/limits.h"

namespace buildjail {

/** Controllers of cgroups(7), by their names in the kernel's files. */
using Controllers = std::set<std::string_view>;
inline constexpr std::string_view kMemory = "memory";
inline constexpr std::string_view kPids = "pids";
inline constexpr std::string_view kCpu = "cpu";
inline constexpr std::string_view kCpuTime = "cpuacct";

/** One hierarchy in which a session gets a cgroup. */
struct CgroupPlace {
  /** Whether it is version 2. */
  bool is_unified = false;
  /** The parent of the session's cgroup. */
  std::string directory;
  Controllers controllers;
};

/** Where a session's cgroups are made, and which of its limits they enforce. */
struct PlacedLimits {
  /** Version 2 first. */
  std::vector<CgroupPlace> places;
  Limits held;
};

/**
 * Finds the places where this process may make cgroups for sessions. The mounted hierarchies are read once; the cgroup
 * of this process is read each time, because a service manager may move the process. Any thread.
 *
 * - Version 1: below the cgroup of this process, if it is root.
 * - Version 2: a cgroup with processes in it gives no controllers to those below it (cgroups(7), "no internal
 *   processes"), and this process stays in its own. So the place is the nearest cgroup above it that has the
 *   controllers or can get them, and in which this process may make cgroups and move processes. The root cgroup may
 *   hold processes too, so there it is the process's own.
 */
class CgroupPlaces {
 public:
  /** ENOTSUP with the limit, if one cannot be enforced; a best-effort plan goes without it. */
  Result<PlacedLimits> place(const Limits& limits);
  /** Why no session of this process can have all limits; empty if it can. */
  std::optional<Obstacle> find_limitation();

 private:
  /** A mounted file system of cgroups. */
  struct Hierarchy {
    bool is_unified = false;
    std::string mounted_on;
    /** The cgroup at its mount point. */
    std::string root;
    /** Version 1: the controllers, by their names there. */
    std::set<std::string, std::less<>> controllers;
  };
  struct Placement {
    std::vector<CgroupPlace> places;
    Controllers missing;
    /** Why the first missing controller is missing. */
    Obstacle why;
  };

  Result<Placement> find(const Controllers& wanted);
  Status find_hierarchies();
  /** The directory of this process's cgroup; empty if the hierarchy is not mounted so that it shows. */
  [[nodiscard]] std::optional<std::string> own_directory(const Hierarchy& hierarchy) const;
  [[nodiscard]] Placement look(const Controllers& wanted) const;
  void look_in_unified(const Controllers& wanted, Placement& found) const;
  void look_in_first_version(const Controllers& wanted, Placement& found) const;

  std::mutex mutex_;
  std::vector<Hierarchy> hierarchies_;
  /** The content of /proc/self/cgroup, and the placements found while it was that. */
  std::string own_;
  std::map<Controllers, Placement> found_;
};

}  // namespace buildjail
