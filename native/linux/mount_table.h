#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "state/session_sources.h"

namespace buildjail {

/** What is mounted on the host, as this process sees it. The table is read again only when it has changed. */
class MountTable {
 public:
  /**
   * The origin of each, where a mount shows a folder which is within another mount as well (mount(8), bind mounts); and
   * what is mounted in outputs, by whatever way it is seen. Any thread.
   */
  Status look_at(std::vector<ShownSource>& sources);

  /** Where something is mounted below a folder. Any thread. */
  Result<std::vector<std::string>> mounted_below(std::string_view folder);

 private:
  struct MountLine {
    int id;
    int parent;
    /** `8:1` */
    std::string device;
    /** What of the file system it shows. */
    std::string root;
    std::string on;
    /** The mount that shows the most of the same file system. */
    const MountLine* widest = nullptr;
    /** The mount on which it is, and the folder by its name in that one's file system; null and empty of the first. */
    const MountLine* under = nullptr;
    std::string point = {};
  };

  Status read_if_changed();
  void find_widest();
  void find_points();
  static Result<std::vector<MountLine>> parse(std::string_view text);
  [[nodiscard]] const MountLine* mount_of(std::string_view path) const;
  [[nodiscard]] std::string mounted_in(std::string_view folder) const;

  std::mutex mutex_;
  UniqueFd table_;
  std::vector<MountLine> mounts_;
  /** Those that are not the widest of their file system. */
  std::vector<const MountLine*> aliases_;
};

}  // namespace buildjail
