#pragma once

#include <cstddef>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freebsd/iovec_list.h"

namespace buildjail {

/** jail_set(2) or jail_get(2). */
struct JailCall {
  int (*function)(iovec*, unsigned, int);
  const char* name;
};

struct OpenedJail {
  int jid;
  UniqueFd descriptor;
};

/**
 * One of both calls with kJailGetDesc or kJailOwnDesc among its `flags`. `options` has the int `desc`, as pair number
 * `desc`, and ends in add_errmsg().
 *
 * The kernel makes the descriptor without close-on-exec, and whoever inherits it may change, enter and remove the jail.
 * So the call is made in a child with a descriptor table of its own (vfork(2)), which sends the descriptor here
 * (unix(4), MSG_CMSG_CLOEXEC): in this process it is there with close-on-exec or not at all.
 */
Result<OpenedJail> open_jail(const JailCall& call, IovecList& options, std::size_t desc, int flags);

}  // namespace buildjail
