#pragma once

#include <functional>
#include <set>
#include <string>

#include "base/copying.h"
#include "base/result.h"
#include "plan/plan.h"

namespace buildjail {

// An overlay that is a copy of its source, in a file system in memory of its own. The kernel bounds that, and writes it
// to swap where memory is short (tmpfs(4), tmpfs(5)).

/** The step of everything that only copies need. */
inline constexpr const char* kCopy = "copy";

/** The room of a copy: as much as /tmp has. */
Result<MountTmpfs> room_of_copy(const EnvelopePlan& plan);

/** All that it refers to outlives it. */
struct InputCopy {
  const Bind& bind;
  const MountTmpfs& room;
  /** Of the session, in the numbering of the host. */
  const BuildUser& build;
  /** This process cannot give files to other users, so all of the copy belongs to the build. */
  bool has_one_owner;
  /** The places, from the top on, at which something else is mounted: they are left out. */
  std::set<std::string, std::less<>> covered;
  Copying copying;
};

/** The places in a bind at which others are mounted. */
std::set<std::string, std::less<>> covered_in(const Bind& bind, const Nesting& nesting);

/**
 * Copies the content of the source into an empty file system, whose top folder no other user may enter meanwhile. If
 * another program changes the source, the copy has parts of both states, and nothing from elsewhere. ENOSPC: it is too
 * large. ECANCELED: it was stopped.
 */
Status copy_input(const InputCopy& copy, int source, int top);

}  // namespace buildjail
