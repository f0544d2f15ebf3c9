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

/** Tells the files of a source that other processes have changed since a session's first command. */
class ChangedSince {
 public:
  /** @param since_ns when the first command was launched (file_time_now) */
  explicit ChangedSince(std::int64_t since_ns) : since_ns_(since_ns) {}

  /** By the last change of its inode, which no process can set: of its content, mode, owner, names, or entries. */
  [[nodiscard]] bool has(const FileState& file) const;
  /** A file got this state by what is applied. */
  void except(const FileState& file) { own_[{file.dev, file.ino}] = file.changed_ns; }
  /** A folder is opened up and shut again to be looked into. What is new in it counts all the same. */
  void open_up(const FileState& folder) { opened_.insert({folder.dev, folder.ino}); }

 private:
  std::int64_t since_ns_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> opened_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::int64_t> own_;
};

/** What has changed in a folder, by paths that begin with `path`; a folder stands for everything in it. */
Result<std::vector<std::string>> changed_in(int folder, std::string path, ChangedSince& since, const char* step);

}  // namespace buildjail
