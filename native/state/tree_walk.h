#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "state/file_state.h"

namespace buildjail {

/**
 * Visits every file below a directory, a folder before its content. Each file is held by a descriptor while it is
 * looked at. The walk follows no link, looks up no path longer than a name, and does not leave the mount of the
 * directory. So it reaches nothing outside, however deep the tree is and whatever another process moves in it. It opens
 * few descriptors at a time. It keeps only numbers of the folders that it is in, and only the names that have room,
 * because a build decides how many there are.
 */
class TreeWalk {
 public:
  /** `path` is that of the directory, and `step` that of the walk, for errors. */
  TreeWalk(std::string path, const char* step);
  TreeWalk& operator=(TreeWalk&&) = delete;
  virtual ~TreeWalk() = default;

  /** Begins again, a few times, if another process moves a folder that the walk is in. ESTALE if that goes on. */
  Status run(int top);

 protected:
  /** The walk begins, perhaps not for the first time. */
  virtual Status begin() { return {}; }
  /** Whether a file is to be visited. */
  [[nodiscard]] virtual bool concerns(const FileState&) const { return true; }
  /** `fd` is of O_PATH. The mode in `file` is kept up to date. False for a folder that is not to be entered. */
  virtual Result<bool> visit(int fd, FileState& file, std::string_view name) = 0;
  /** The walk has left a visited folder and everything in it; or it ends, by an error, in there. */
  virtual Status finish(mode_t) { return {}; }
  /** Whether the walk may open a folder that is shut to its owner. It is shut again afterwards. */
  [[nodiscard]] virtual bool may_open_up(const FileState& folder) const = 0;
  /** Whether the walk goes on if another user's folder is shut to this process. Otherwise it ends with that error. */
  [[nodiscard]] virtual bool passes_by_shut_folders() const { return true; }

  /**
   * The path of a file in the current folder. In a path that is too long for the system, some folders are only counted.
   */
  [[nodiscard]] std::string path_of(std::string_view name) const;
  [[nodiscard]] SysError failure(const char* call, std::string_view name = {}) const;
  /** Whether the kernel refuses for good to change a file. */
  static bool is_refusal(int err);
  /**
   * Whether the current folder still has the file by that name, and its inode has not changed since the look at it. To
   * make or remove a link to a file, or to rename it, changes its inode.
   */
  [[nodiscard]] Result<bool> still_has(const FileState& file, std::string_view name) const;
  /** A folder that the walk is in. */
  struct Folder {
    std::uint64_t dev = 0;
    std::uint64_t ino = 0;
    bool is_encrypted = false;
  };
  /** The current one. */
  [[nodiscard]] const Folder& folder() const { return levels_.back().folder; }
  /**
   * A number of a name in the current folder. A build that chooses names cannot know which ones have the same number.
   */
  [[nodiscard]] std::uint64_t number_of(std::string_view name) const;

 private:
  /** A folder on the way to the current one. A tree may have a million of them, one inside the other. */
  struct Level {
    Folder folder;
    mode_t mode = 0;
    /** Its mode was changed so that its owner can enter. */
    bool is_opened_up = false;
    bool is_visited = false;
    /** It may have folders of higher numbers than those that wait. */
    bool has_more = false;
    /** The number of the folder in it that was entered last: they are entered in the order of their numbers. */
    std::uint64_t last = 0;
  };
  /** The folders in the folder of a level that are still to be entered, as far as there is room for their names. */
  struct Waiting {
    std::size_t level;
    std::multimap<std::uint64_t, std::string> names{};
  };

  /** False if a folder that the walk was in was moved. */
  Result<bool> walk(int top);
  /** Visits everything in a folder that is no folder. `folder` is of O_PATH. */
  Status enter(UniqueFd folder, std::string_view name, Level level);
  /** Reads the current folder: for the folders in it, and the first time for its other files too. */
  Status read(bool is_first);
  Status look_at(int directory, const char* name, std::uint64_t& end);
  /** Lets a folder wait unless its number is `end` or more. Lowers `end` if there is no room for more names. */
  void let_wait(std::string_view name, std::uint64_t& end);
  /** The next folder in the current one. Empty when all were entered. */
  Result<std::optional<std::string>> next_folder();
  Status descend(const std::string& name);
  /** Goes back to the folder above. False if another folder is there by now. */
  Result<bool> leave();
  void give_up();

  std::string path_;
  std::size_t top_length_;
  /** The innermost folders, whose names are not in the path. */
  std::size_t unnamed_ = 0;
  const char* step_;
  std::uint64_t key_;
  FileState top_;
  /** The last file was not to be visited. In that case most files beside it are not either. */
  bool looks_first_ = false;
  std::vector<Level> levels_;
  /** The folders of the innermost levels. The others are opened again on the way back. */
  std::deque<UniqueFd> open_;
  /** By level. */
  std::deque<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
};

}  // namespace buildjail
