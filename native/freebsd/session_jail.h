#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "envelope/part.h"
#include "freebsd/jails.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * The jail of a session, and what may keep it from dying. Several parts share it: nothing goes while a process is in
 * the jail, and the root goes in another way while a dying jail holds it.
 */
struct SessionJail {
  /** Where its root is mounted. */
  std::string root;
  /** The build user, once it is leased. */
  BuildUser user{};
  /** The users of which one is leased. Empty if the plan names the build's user. */
  BuildIds leasable{.count = 0};
  /** False if the commands were not reaped within the bound. Empty in a recovery, which has no children. */
  std::function<bool(std::chrono::milliseconds)> wait_reaped{};
  /** Our ends of the commands' output. */
  std::vector<std::weak_ptr<const UniqueFd>> sockets{};
  int devfs_ruleset = 0;
  std::unique_ptr<Jail> jail{};
  /** Of a jail with a network stack of its own, a socket in it; see bring_up_loopback(). */
  UniqueFd network{};
  /** Ends its network of names; empty without one, and in a recovery. */
  std::function<void()> end_names{};
  bool is_empty = false;
  /** The root was taken from under the dying jail. */
  bool is_root_forced = false;
  /** Its dying was waited for once. */
  bool is_waited_for = false;

  /**
   * Removes the jail, and waits until no process is in it and the commands are reaped. A second call does nothing. A
   * process that stays in posix_fallocate(2) loses the outputs that it writes to.
   */
  Status end_processes(TakingAway& taking);
  /** True for a dying jail as well. */
  [[nodiscard]] bool is_known() const { return jail && jail->is_known(); }
  /**
   * Drops the unread output of commands, because descriptors of the session can lie in it and hold a mount or the jail.
   * These sockets receive nothing more.
   */
  void drop_unread();
  /**
   * Removes the POSIX shared memory that was made in the jail, which is named after the jail's root (shm_open(2)).
   * No process inside is left to do so. Each keeps the jail from dying, except one of large pages
   * (shm_create_largepage(3)), which stays when the jail is gone.
   */
  void remove_shared_memory() const;
  /**
   * Where the root was taken from under it: EBUSY when a descriptor that was opened in it keeps it. A jail with a
   * network stack of its own is not waited for.
   */
  Status see_die();

 private:
  Status wait_ended(TakingAway& taking, std::chrono::milliseconds bound) const;
  void end_allocations(TakingAway& taking) const;
};

}  // namespace buildjail
