#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "linux/system_call_filter.h"

namespace buildjail {

/** Where a call has a path. Arguments are counted from 0. */
struct PathArgument {
  static constexpr std::int8_t kNone = -1;

  /** The argument with the descriptor of the folder that a relative path begins from; none: the working directory. */
  std::int8_t folder = kNone;
  std::int8_t path = kNone;
};

/** A call that looks a path up. With a trace, the filter tells of it. */
struct PathCall {
  enum class Kind : std::uint8_t {
    /** For what the file is. */
    kLook,
    /** As the flags of open(2) say. */
    kOpen,
    /** The flags are in a structure (openat2(2)). */
    kOpenHow,
    /** It changes, renames or removes. */
    kChange,
    /** It makes something, where nothing is yet. */
    kMake,
    kExecute,
    /** Its descriptor is a folder (getdents(2)). */
    kList,
    /** It makes a socket's file where the address names one (unix(7)). */
    kBind,
  };
  /** What a call does with a link at the end of its path. */
  enum class Link : std::uint8_t {
    kFollows,
    kHolds,
    /** It follows, but for this bit of its flags: AT_SYMLINK_NOFOLLOW, O_NOFOLLOW. */
    kHoldsBy,
    /** It follows by AT_SYMLINK_FOLLOW only. */
    kFollowsBy,
  };

  const char* name;
  int x86_64;
  int generic;
  Kind kind;
  std::array<PathArgument, 2> paths{};
  Link link = Link::kFollows;
  std::int8_t flags = PathArgument::kNone;

  [[nodiscard]] constexpr int number(Architecture architecture) const {
    return architecture == Architecture::kX8664 ? x86_64 : generic;
  }
};

/**
 * Those with paths of files. Not here are calls that mount in a user namespace of the build's own, such as mount(2),
 * and those that send to the address of a socket (connect(2)), which is no look at a file.
 */
std::span<const PathCall> path_calls();

}  // namespace buildjail
