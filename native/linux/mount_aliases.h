#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "state/session_sources.h"

namespace buildjail {

/**
 * Mounts of the host that show a folder which is within another mount as well (mount(8), bind mounts). The table is
 * read again only when it has changed.
 */
class MountAliases {
 public:
  /** The origin of each. Any thread. */
  Status find_origins(std::vector<ShownSource>& sources);

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
  };

  Status read_if_changed();
  void find_widest();
  static Result<std::vector<MountLine>> parse(std::string_view text);
  [[nodiscard]] const MountLine* mount_of(std::string_view path) const;

  std::mutex mutex_;
  UniqueFd table_;
  std::vector<MountLine> mounts_;
  /** Those that are not the widest of their file system. */
  std::vector<const MountLine*> aliases_;
};

}  // namespace buildjail
