#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "state/file_state.h"
#include "state/lent_output.h"

namespace buildjail {

/** The folders that got the set-group-ID bit in a session. Folders made in one inherit it (inode(7)). */
class SetGroupIdFolders {
 public:
  /** @param since_ns when the session had no such folder yet (file_time_now) */
  explicit SetGroupIdFolders(std::int64_t since_ns) : since_ns_(since_ns) {}

  /** A folder is about to get it. `is_in_memory`: its file system has one device, and no other in it. */
  void add(const FileState& folder, bool is_in_memory);
  /** Whether the output may have such folders. */
  [[nodiscard]] bool may_be_in(const LentOutput& output) const;
  /** Whether a folder of that output, which has the bit, has it because of the session. */
  [[nodiscard]] bool has(const FileState& folder, const LentOutput& output) const;

 private:
  using Identity = std::pair<std::uint64_t, std::uint64_t>;

  std::set<std::uint64_t> devices_in_memory_;
  bool has_others_ = false;
  /** Folders from before the session that did not have the bit. */
  std::set<Identity> older_;
  bool has_more_ = false;
  std::int64_t since_ns_;
};

/**
 * Takes the bit from the folders of an output that have it because of the session. Does not change the top folder. Adds
 * the number of changed folders to `changed`.
 */
Status take_set_group_id(int top, const NotedOutput& noted, const SetGroupIdFolders& folders,
                         std::vector<LeftInOutput>& left, std::size_t& changed);

}  // namespace buildjail
