#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "envelope/obstacle.h"
#include "plan/limits.h"

namespace buildjail {

/** What of cgroups(7) a session can have use of. */
enum class Controller : std::uint8_t { kMemory, kPids, kCpu, kCpuTime };

class Controllers {
 public:
  void add(Controller one) { bits_ |= bit(one); }
  void add(Controllers all) { bits_ |= all.bits_; }
  void remove(Controllers all) { bits_ &= static_cast<std::uint8_t>(~all.bits_); }
  [[nodiscard]] bool has(Controller one) const { return (bits_ & bit(one)) != 0; }
  [[nodiscard]] bool has_all(Controllers wanted) const { return (bits_ & wanted.bits_) == wanted.bits_; }
  [[nodiscard]] bool is_empty() const { return bits_ == 0; }
  friend auto operator<=>(const Controllers&, const Controllers&) = default;

 private:
  static std::uint8_t bit(Controller one) { return static_cast<std::uint8_t>(1U << static_cast<unsigned>(one)); }
  std::uint8_t bits_ = 0;
};

/** One hierarchy of cgroups in which a session is to have one. */
struct CgroupPlace {
  /** Of version 2. */
  bool is_unified = false;
  /** In which the session's is made. */
  std::string directory;
  Controllers controllers;
};

/** Where a session's cgroups are made, and what they hold of its limits. */
struct PlacedLimits {
  /** That of version 2 first. */
  std::vector<CgroupPlace> places;
  Limits held;
};

/**
 * Where this host and this process's rights on it let sessions have cgroups. What is mounted is looked at once, and
 * where this process is each time, as a service manager may move it. Any thread.
 *
 * - Of version 1, below the cgroup that this process is in, for root.
 * - Of version 2, a cgroup with processes in it gives no controllers to those below it (cgroups(7), "no internal
 *   processes"), and this process stays where it is. So it is the nearest cgroup above it in which this process may
 *   make one and put processes, and that has the controllers or can be given them; or this process's own, where that is
 *   the root of all.
 */
class CgroupPlaces {
 public:
  /** ENOTSUP, with the limit's name first, where one cannot be held; it is left out where the plan says so. */
  Result<PlacedLimits> place(const Limits& limits);
  /** Why a session of this process cannot have limits of memory, processes and processors; nothing where it can. */
  std::optional<Obstacle> find_limitation();

 private:
  /** A file system of cgroups that is mounted. */
  struct Hierarchy {
    bool is_unified = false;
    std::string mounted_on;
    /** The cgroup that is shown there. */
    std::string root;
    /** Of version 1, as they are named there. */
    std::vector<std::string> controllers;
  };
  struct Found {
    std::vector<CgroupPlace> places;
    Controllers missing;
    /** Of the first that is missing. */
    Obstacle why;
  };

  Result<Found> find(Controllers wanted);
  Status read_mounts();
  /** Where in a hierarchy this process is; nothing where that is not shown. */
  [[nodiscard]] std::optional<std::string> own_directory(const Hierarchy& hierarchy) const;
  [[nodiscard]] Found look(Controllers wanted) const;
  void look_in_unified(Controllers wanted, Found& found) const;
  void look_in_first_version(Controllers wanted, Found& found) const;

  std::mutex mutex_;
  bool is_read_ = false;
  std::vector<Hierarchy> hierarchies_;
  /** As /proc/self/cgroup has it, and what was found since it was so. */
  std::string own_;
  std::map<Controllers, Found> found_;
};

/** Of a cgroup of version 2, as its own files name it. */
const char* name_of(Controller one);

}  // namespace buildjail
