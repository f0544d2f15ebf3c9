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
 * Every file below a directory, a folder before what is in it. Each is held by a descriptor while it is looked at, no
 * link is followed, no path is longer than a name, and the mount of the directory is not left. So nothing outside is
 * reached, however deep the tree is and whatever somebody moves in it meanwhile. Few descriptors are open at a time.
 */
class TreeWalk {
 public:
  /** `path` is that of the directory, for errors; `step` is what the walk is for. */
  TreeWalk(std::string path, const char* step) : path_(std::move(path)), step_(step) {}
  TreeWalk(const TreeWalk&) = delete;
  TreeWalk& operator=(const TreeWalk&) = delete;
  TreeWalk(TreeWalk&&) = delete;
  TreeWalk& operator=(TreeWalk&&) = delete;
  virtual ~TreeWalk() = default;

  /**
   * Begins anew, some times, where somebody moves a folder that it is in; what is done already costs a look then.
   * ESTALE where that goes on.
   */
  Status run(int top);

 protected:
  /** It begins, perhaps not for the first time. */
  virtual void begin() = 0;
  /** Whether there is something to do with a file. It is not visited where there is not. */
  [[nodiscard]] virtual bool concerns(const FileState&) const { return true; }
  /** `fd` is of O_PATH. The mode in `file` is kept up to date. */
  virtual Status visit(int fd, FileState& file, std::string_view name) = 0;
  /** Whether its owner may be let into a folder that is shut to them: it is shut again afterwards. */
  [[nodiscard]] virtual bool may_open_up(const FileState& folder) const = 0;

  /** Of a file in the folder where the walk is. */
  [[nodiscard]] std::string path_of(std::string_view name) const;
  [[nodiscard]] SysError failure(const char* call, std::string_view name = {}) const;
  /**
   * Whether the folder where the walk is has the file by that name, with no change of its inode since it was looked at:
   * a link that is made or removed, and a move to another name, are such changes.
   */
  [[nodiscard]] Result<bool> still_has(const FileState& file, std::string_view name) const;
  /** The folder where the walk is. */
  [[nodiscard]] const FileState& folder() const { return levels_.empty() ? top_ : levels_.back().state; }

 private:
  /** A folder on the way to where the walk is. */
  struct Level {
    /** Closed where the walk is far below. */
    UniqueFd directory;
    std::string name;
    FileState state;
    /** What is still to be entered. */
    std::vector<std::string> folders{};
    /** Its mode was changed so that its owner can enter. */
    bool is_opened_up = false;
  };

  /** False where a folder was moved that it was in. */
  Result<bool> walk(int top);
  /** Reads all of a folder, and visits what in it is no folder. */
  Status enter(UniqueFd directory, std::string name, const FileState& state);
  Status look_at(int directory, const char* name);
  /** Whether a file of no concern, which is no folder, has that name. It need not be held: nothing is done with it. */
  [[nodiscard]] bool is_of_no_concern(int directory, const char* name) const;
  Status descend(const std::string& name);
  /** Back to the folder above. False where that is another one by now. */
  Result<bool> leave();

  std::string path_;
  const char* step_;
  FileState top_;
  /** The last file was of no concern. Then most of those beside it are of none either. */
  bool looks_first_ = false;
  std::vector<Level> levels_;
};

}  // namespace buildjail
