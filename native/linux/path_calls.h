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

/** A call that looks a path up. With a trace, the filter reports it. */
struct PathCall {
  enum class Kind : std::uint8_t {
    /** It only looks at the file. */
    kLook,
    /** As the flags of open(2) say. */
    kOpen,
    /** The flags are in a structure (openat2(2)). */
    kOpenHow,
    /** It changes, renames or removes. */
    kChange,
    /** It makes a file where there is none. */
    kMake,
    kExecute,
    /** It lists the folder of its descriptor (getdents(2)). */
    kList,
    /** It makes a socket's file where the address names one (unix(7)). */
    kBind,
  };
  /** What a call does with a link at the end of its path. */
  enum class Link : std::uint8_t {
    kFollows,
    kHolds,
    /** It follows unless its flags have this bit: AT_SYMLINK_NOFOLLOW, O_NOFOLLOW. */
    kHoldsBy,
    /** It follows only with AT_SYMLINK_FOLLOW. */
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
 * The calls with paths of files. Left out are calls that mount in a user namespace of the build's own, such as
 * mount(2), and calls that send to the address of a socket, such as connect(2), because they do not look at a file.
 */
std::span<const PathCall> path_calls();

}  // namespace buildjail
