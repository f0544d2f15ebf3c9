#pragma once

#include <sys/types.h>
#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "state/fact.h"

namespace buildjail {

/** A directory of the host that a session may write to, as it was before. */
struct LentOutput {
  std::string path;
  std::uint64_t dev;
  std::uint64_t ino;
  uid_t uid;
  gid_t gid;
  mode_t mode;
  /** FreeBSD: those of its flags (chflags(2)) that its owner may set, and that keep everybody from changing it. */
  std::uint32_t flags = 0;
};

LentOutput lent_output(const std::string& path, const struct stat& before);

/** The part of the facts that tell of lent outputs, one each. */
inline constexpr const char* kLentOutput = "output";
/** `build_user` is the one that it is lent to, in the numbering of the host. */
Fact lent_fact(const LentOutput& output, uid_t build_user);

struct NotedOutput {
  LentOutput before;
  uid_t build_user;
};

/** Nothing where it is not what `lent_fact` makes. */
std::optional<NotedOutput> noted_output(const Fact& fact);

/** Owner, mode and such flags as they were, by descriptor and of the directory itself only. */
Status restore(int directory, const LentOutput& before);

enum class HandBack : std::uint8_t {
  /** It is as it was. */
  kDone,
  /** It was so already, or somebody gave it another owner, whose it now is. */
  kNothingToDo,
  /** Its path leads nowhere, or to another directory. */
  kLost,
};

/** For a session that is dead: the directory is found by its path, and is the one that was lent or is left alone. */
Result<HandBack> hand_back(const LentOutput& before, uid_t build_user);

}  // namespace buildjail
