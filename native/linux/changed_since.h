#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "state/file_state.h"

namespace buildjail {

/** Finds the files of a source that other processes have changed since a session's first command. */
class ChangedSince {
 public:
  /** @param since_ns when the first command was launched (file_time_now) */
  explicit ChangedSince(std::int64_t since_ns) : since_ns_(since_ns) {}

  /** By the last change of the inode, which no process can set: of its content, mode, owner, names or entries. */
  [[nodiscard]] bool has(const FileState& file) const;
  /** Notes the state that applying gave a file, which then does not count as changed. */
  void except(const FileState& file) { own_[{file.dev, file.ino}] = file.changed_ns; }
  /** Notes a folder that is opened up for a look into it, and shut again. New files in it still count. */
  void open_up(const FileState& folder) { opened_.insert({folder.dev, folder.ino}); }

 private:
  std::int64_t since_ns_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> opened_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::int64_t> own_;
};

/** The changed files in a folder, as paths that begin with `path`. A folder stands for everything in it. */
Result<std::vector<std::string>> changed_in(int folder, std::string path, ChangedSince& since, const char* step);

}  // namespace buildjail
