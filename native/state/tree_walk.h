#pragma once

#include <sys/types.h>

#include <cstddef>
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
 * few descriptors at a time.
 */
class TreeWalk {
 public:
  /** `path` is that of the directory, and `step` that of the walk, for errors. */
  TreeWalk(std::string path, const char* step) : path_(std::move(path)), step_(step) {}
  TreeWalk& operator=(TreeWalk&&) = delete;
  virtual ~TreeWalk() = default;

  /**
   * Begins again, a few times, if another process moves a folder that the walk is in. ESTALE if that goes on.
   */
  Status run(int top);

 protected:
  /** The walk begins, perhaps not for the first time. */
  virtual void begin() {}
  /** Whether a file is to be visited. */
  [[nodiscard]] virtual bool concerns(const FileState&) const { return true; }
  /** `fd` is of O_PATH. The mode in `file` is kept up to date. */
  virtual Status visit(int fd, FileState& file, std::string_view name) = 0;
  /** Whether the walk may open a folder that is shut to its owner. It is shut again afterwards. */
  [[nodiscard]] virtual bool may_open_up(const FileState& folder) const = 0;

  /** The path of a file in the current folder. */
  [[nodiscard]] std::string path_of(std::string_view name) const;
  [[nodiscard]] SysError failure(const char* call, std::string_view name = {}) const;
  /**
   * Whether the current folder still has the file by that name, and its inode has not changed since the look at it. To
   * make or remove a link to a file, or to rename it, changes its inode.
   */
  [[nodiscard]] Result<bool> still_has(const FileState& file, std::string_view name) const;
  /** The current folder. */
  [[nodiscard]] const FileState& folder() const { return levels_.empty() ? top_ : levels_.back().state; }

 private:
  /** A folder on the way to the current one. */
  struct Level {
    /** Closed while the walk is far below. */
    UniqueFd directory;
    std::string name;
    FileState state;
    /** The folders that are still to be entered. */
    std::vector<std::string> folders{};
    /** Its mode was changed so that its owner can enter. */
    bool is_opened_up = false;
  };

  /** False if a folder that the walk was in was moved. */
  Result<bool> walk(int top);
  /** Reads a folder, and visits everything in it that is no folder. */
  Status enter(UniqueFd directory, std::string name, const FileState& state);
  Status look_at(int directory, const char* name);
  Status descend(const std::string& name);
  /** Goes back to the folder above. False if that is another one by now. */
  Result<bool> leave();

  std::string path_;
  const char* step_;
  FileState top_;
  /** The last file was not to be visited. Then most files beside it are not either. */
  bool looks_first_ = false;
  std::vector<Level> levels_;
};

}  // namespace buildjail
