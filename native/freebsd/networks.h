#pragma once

#include <chrono>
#include <deque>
#include <mutex>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freebsd/jails.h"

namespace buildjail {

/**
 * Brings up lo0 with 127.0.0.1 and ::1, from inside a jail with a network stack of its own.
 * @return a socket of that network. While it is open the jail may die, and its network stays. Removing a network takes
 * the kernel a fifth of a second. It does so in the background if a descriptor was the last to hold the network
 * (prison_free); otherwise jail_remove(2) waits for it.
 */
Result<UniqueFd> bring_up_loopback(const JailReference& jail);

enum class Moving : bool { kIn, kBack };

/**
 * Moves an interface of this process's network into a jail's, or back. ENXIO: the network that it leaves has no
 * interface of that name. EEXIST, on the way into a jail: the jail has one of that name. On the way back the kernel
 * does not check (if_vmove_reclaim).
 */
Status move_interface(const std::string& name, int jid, Moving moving);
/** ENXIO: this process's network has no interface of that name. */
Status find_interface(const std::string& name);

/**
 * Makes a network interface that can be cloned (ifconfig(8), create). `epair` makes the next free one, `epair7` that
 * one or fails with EEXIST.
 * @return its name; for an epair(4) the name of its first end
 */
Result<std::string> create_interface(const std::string& name);
/** Removes an interface, and both ends of an epair(4). ENXIO: there is none of that name. */
Status destroy_interface(const std::string& name);

/**
 * The jails of closed sessions whose networks the kernel is removing, with one thread for all. If sessions are opened
 * faster than that, the next one waits: otherwise dying networks would fill the memory of the host.
 */
class DyingNetworks {
 public:
  void add(std::string jail_name);
  /**
   * Waits until there are few, within a bound, because a build can have the kernel keep its network for ever (see_die).
   * A network that outlasted the bound once is not waited for again.
   */
  void wait_until_few();

 private:
  struct Dying {
    std::string jail_name;
    std::chrono::steady_clock::time_point since;
  };

  std::mutex mutex_;
  /** The oldest first. */
  std::deque<Dying> dying_;
};

}  // namespace buildjail
