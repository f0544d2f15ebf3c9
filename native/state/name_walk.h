#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "state/tree_walk.h"

namespace buildjail {

/**
 * A walk that finds out whether all names of a file with several names are in the tree. If the files with missing names
 * have more names than there is room for, it goes round again for some of the files.
 */
class NameWalk : public TreeWalk {
 public:
  using TreeWalk::TreeWalk;

  /** Begins a round as long as there are files that no round was for. */
  Status run_whole(int top);

 protected:
  /** `kMoved`: the file changed since the walk came to the name. */
  enum class Names { kSome, kAll, kMoved };

  Status begin() override;
  virtual void begin_round() {}
  /** At the end of a round: a file has a name that was not found. The path is empty if there was no room for it. */
  virtual void miss_names(std::string path, bool is_of_note) = 0;
  /** It is not the first round. Only files with several names are still of interest. */
  [[nodiscard]] bool is_again() const { return first_ != Identity(); }
  /**
   * Notes a name of a file with several. To have a name counted twice, or to have a removed name taken for the only
   * one, a process must move the file or its folder: that changes the inode, or the walk finds the same name again.
   */
  Result<Names> look_for_names(const FileState& file, std::string_view name, bool is_of_note);

 private:
  using Identity = std::pair<std::uint64_t, std::uint64_t>;
  /** The names of one file that the walk has found so far, by number. */
  struct Met {
    std::int64_t changed_ns = 0;
    std::set<std::uint64_t> names{};
    /** Empty if there was no room for it. */
    std::string path{};
    bool is_of_note = false;
  };

  void forget(std::map<Identity, Met>::iterator met);
  /**
   * Leaves the files with higher numbers for another round if there is not room for all. The names of one file stay
   * together, because few file systems let it have more.
   */
  void make_room();

  /** The files with names that are not found yet, by device and inode. */
  std::map<Identity, Met> met_;
  /** The names of all of them, and the bytes of their paths. */
  std::size_t met_names_ = 0;
  std::size_t met_paths_ = 0;
  /** The files that this round is for: the next one begins with `next_`. */
  Identity first_;
  std::optional<Identity> next_;
};

}  // namespace buildjail
