#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/trace.h"
#include "base/unique_fd.h"
#include "freebsd/jail.h"

namespace buildjail {

/**
 * The jail of a session, what may be in it, and what may keep it. Parts share it: while it holds the root, the root goes
 * another way; and until no process is in it nothing goes.
 */
struct SessionJail {
  /** Where its root is mounted. */
  std::string root;
  /** The build user. */
  uid_t user = 0;
  /** False where commands were not waited for in that time. Of this process only: a recovery has none. */
  std::function<bool(std::chrono::milliseconds)> wait_reaped{};
  /** Our ends of the commands' output. */
  std::vector<std::weak_ptr<const UniqueFd>> sockets{};
  int devfs_ruleset = 0;
  std::optional<Jail> jail{};
  bool is_empty = false;
  /** The jail stayed, dying, and the root was taken from under it. */
  bool is_root_forced = false;

  /** Removes the jail, and waits until no process is in it and the commands were waited for. Again: nothing to do. */
  Status end_processes(Trace& trace);
  /** Be it as a dying one. */
  [[nodiscard]] bool is_known() const { return jail && jail->is_known(); }
  /**
   * What of the commands' output nobody has read: descriptors of the session can lie in it, which may hold a mount, or
   * the jail. Nothing more comes by those sockets after that.
   */
  void drop_unread();
  /** Where the root was taken from under it: EBUSY when it is there for more than the kernel's own sake. */
  Status see_die();
};

}  // namespace buildjail
