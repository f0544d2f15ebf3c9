#pragma once

#include <sys/types.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "state/file_state.h"

namespace buildjail {

class SetGroupIdFolders;

/** A directory of the host that a session may write to, in its state before. */
struct LentOutput {
  std::string path;
  std::uint64_t dev;
  std::uint64_t ino;
  uid_t uid;
  gid_t gid;
  mode_t mode;
  /** FreeBSD: the flags that its owner may set (chflags(2)). */
  std::uint32_t flags = 0;
  /** The time of this look at it (file_time_now). */
  std::int64_t since_ns = 0;
  std::vector<Mark> marks{};
};

/** The state of an open directory. */
Result<LentOutput> lent_output(const std::string& path, int directory);

/** The ids of the host that belong to a build while its session lives: users, and groups where there are several. */
struct BuildIds {
  uid_t first = 0;
  std::uint64_t count = 1;
  /** The group of the build user. */
  gid_t gid = 0;
  /** Other files may have these ids too. Then only files made or changed in the session count as the build's. */
  bool are_shared = true;

  [[nodiscard]] bool contains(uid_t uid) const noexcept { return uid >= first && uid - first < count; }
  [[nodiscard]] bool contains_group(gid_t group) const noexcept {
    return group == gid || (count > 1 && group >= first && group - first < count);
  }
};

/** How an output is lent, and what is done with its files when it comes back. */
struct Lending {
  /** The owners of the files of the build. The first of them owns the folder itself. */
  BuildIds ids;
  /** Files of the build get the owner of the folder, and its group if theirs is one of the build's. */
  bool gives_owner = true;
  /** Set-id bits and marks that the build put on files are taken away. */
  bool takes_marks = true;
  /** The folder itself belongs to the caller while it is lent, and the build writes to it by its group. */
  bool is_store = false;
};

/** The step of errors while an output comes back. */
inline constexpr const char* kHandBack = "hand-back";
/** The most marks that are reported one by one, because a build may have put any number on files. */
inline constexpr std::size_t kMostLeft = 100;

/** A mark that a build put on a file of an output, and that the kernel refuses to take away. */
struct LeftInOutput {
  std::string path;
  /** The mark, in words. */
  std::string what;
};

struct NotedOutput {
  LentOutput before;
  Lending lending;
};

/**
 * Whether we may change the mode of a directory and give it back. Only root may for another user's. From one whose
 * group its owner is not in, chmod(2) takes the set-group-ID bit for good. The error has no step and no path.
 */
Result<bool> may_shut(uid_t uid, gid_t gid, mode_t mode);

/**
 * Shuts a directory to all but its owner, by its descriptor. Its access list, if it has one, goes until it is handed
 * back: the mode of a store would give what the list says to users that the mode had kept out (acl(5), the mask).
 */
Status shut_to_others(int directory, const LentOutput& before);

/**
 * Hands a directory back by its descriptor, after the last process of the session: first the files below it, then its
 * own owner, mode, flags and marks. Adds the number of changed files to `changed`. Folders that `set_group_id` has, if
 * it is given, lose that bit.
 */
Status restore(int directory, const NotedOutput& noted, std::vector<LeftInOutput>& left, std::size_t& changed,
               const SetGroupIdFolders* set_group_id = nullptr);

enum class HandBack : std::uint8_t {
  /** The directory has its earlier state again. */
  kDone,
  /** The directory had that state already; or it has another owner by now, to whom it belongs. */
  kNothingToDo,
  /** Its path leads nowhere, or to another directory. */
  kLost,
};

/** Whether the same directory is there, and not in that state. Follows no link. */
bool is_changed(const LentOutput& before);

/** For a dead session: finds the directory by its path, and changes only the directory that was lent. */
Result<HandBack> hand_back(const NotedOutput& noted, std::vector<LeftInOutput>& left);

}  // namespace buildjail
