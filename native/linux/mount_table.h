#pragma once

#include <sys/types.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "envelope/record.h"
#include "envelope/sources.h"

namespace buildjail {

/** A line of /proc/pid/mountinfo (proc_pid_mountinfo(5)). */
struct MountLine {
  int id = 0;
  int parent = 0;
  /** The number of the file system's device, as `8:1`. */
  std::string device;
  /** The folder of the file system that is mounted. In nsfs(5) it is no path: `net:[4026531840]`. */
  std::string root;
  std::string on;
  /** Separated by commas. */
  std::string flags;
  std::string type;
  std::string source;
  /** Those of the file system. */
  std::string options;
};

/** The mounts in a table; by default those that this process sees. */
Result<std::vector<MountLine>> read_mounts(const char* step, const std::string& path = "/proc/self/mountinfo");

/** What a table of mounts shows at a path: the number of a device and a path there. Empty if no mount is around it. */
std::string folder_shown_at(const std::vector<MountLine>& mounts, std::string_view path);

/**
 * The mounts that a process sees, each at its place below `root`. A bind mount comes from its path on the host if the
 * host has that file system mounted.
 */
Result<std::vector<MountEntry>> mounts_of(pid_t pid, const std::string& root);

/** The mounts of the host, as this process sees them. The table is read again only when it has changed. Any thread. */
class MountTable {
 public:
  /**
   * Sets the origin of each source that a mount shows and that lies within another mount too (mount(8), bind mounts).
   * Sets what is mounted in outputs, by whichever path the host sees it.
   */
  Status look_at(std::vector<ShownSource>& sources);

  /** Another number whenever the table has changed. */
  Result<std::uint64_t> version();

  /** The mount points below a folder. */
  Result<std::vector<std::string>> mounted_below(std::string_view folder);

 private:
  struct Mount : MountLine {
    /** The mount that shows the largest part of the same file system. */
    const Mount* widest = nullptr;
    /** The mount that this one is mounted on; null for the first one. */
    const Mount* under = nullptr;
    /** The mount point, by its path in the file system of `under`. */
    std::string point = {};
  };

  Status read_if_changed();
  void find_widest();
  void find_points();
  [[nodiscard]] const Mount* mount_of(std::string_view path) const;
  [[nodiscard]] std::string mounted_in(std::string_view folder) const;

  std::mutex mutex_;
  UniqueFd table_;
  std::uint64_t version_ = 0;
  std::vector<Mount> mounts_;
  /** Those that are not the widest of their file system. */
  std::vector<const Mount*> aliases_;
};

}  // namespace buildjail
