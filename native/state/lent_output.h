#pragma once

#include <sys/types.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "state/file_state.h"
#include "state/journal.h"

namespace buildjail {

/** A directory of the host that a session may write to, as it was before. */
struct LentOutput {
  std::string path;
  std::uint64_t dev;
  std::uint64_t ino;
  uid_t uid;
  gid_t gid;
  mode_t mode;
  /** FreeBSD: those of its flags (chflags(2)) that its owner may set. */
  std::uint32_t flags = 0;
  /** When it was looked at, by the clock of file systems, in nanoseconds since 1970. */
  std::int64_t since_ns = 0;
  std::vector<Mark> marks{};
};

/** Of an open directory. */
Result<LentOutput> lent_output(const std::string& path, int directory);

/** What of an output changes hands when it comes back, besides the folder itself. */
struct Lending {
  /** Whose it is while it is lent; the folder itself belongs to the first of them. */
  BuildIds ids;
  /** What the build made gets the owner and the group of the folder. */
  bool gives_owner = true;
  /** The build could put set-id bits and marks on files, and they are taken away. */
  bool takes_marks = true;
  /** While it is lent, the folder itself belongs to who opened the session, and the build writes to it as a group. */
  bool is_store = false;
};

/** Something that a build put on a file of an output, and that the kernel does not take away. */
struct LeftInOutput {
  std::string path;
  /** In words. */
  std::string what;
};

/** The part of the facts that tell of lent outputs. */
inline constexpr const char* kLentOutput = "output";
Fact lent_fact(const LentOutput& output, const Lending& lending);

struct NotedOutput {
  LentOutput before;
  Lending lending;
};

/** Nothing where it is not what `lent_fact` makes. */
std::optional<NotedOutput> noted_output(const Fact& fact);

/**
 * By descriptor, after the last process of the session: what is below the directory first, then owner, mode, flags and
 * marks of the directory as they were. Counts what was not so already in `changed`.
 */
Status restore(int directory, const NotedOutput& noted, std::vector<LeftInOutput>& left, std::size_t& changed);

enum class HandBack : std::uint8_t {
  /** It is as it was. */
  kDone,
  /** It was so already, or somebody gave it another owner, whose it now is. */
  kNothingToDo,
  /** Its path leads nowhere, or to another directory. */
  kLost,
};

/** For a session that is dead: the directory is found by its path, and is the one that was lent or is left alone. */
Result<HandBack> hand_back(const NotedOutput& noted, std::vector<LeftInOutput>& left);

/**
 * What is in an output and belongs to the owner of the folder is the build user's from here on, so that a build can
 * change what an earlier one made. Not what has other names or set-id bits: those may be anybody's files.
 */
Status hand_over_tree(int top, const LentOutput& before, uid_t uid, gid_t gid);

/**
 * Gives what a build made below its output to the owner of the folder, and takes the marks that the build put on it
 * and set-id bits. Comes after the last process of the session, and is done again from the beginning
 * where it was interrupted. Of the folder itself nothing changes. Counts what it changed in `changed`.
 */
Status hand_back_tree(int top, const LentOutput& before, const Lending& lending, std::vector<LeftInOutput>& left,
                      std::size_t& changed);

}  // namespace buildjail
