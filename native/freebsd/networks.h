#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freebsd/jails.h"

namespace buildjail {

/**
 * Brings up lo0 with 127.0.0.1 and ::1, from inside a jail with a network stack of its own.
 * @return a socket of that network. While it is open, the jail may die, but its network stays: the kernel takes a fifth
 * of a second to take one away, which it does by itself and for nobody to wait for, when the last that holds it is a
 * descriptor (prison_free), and makes jail_remove(2) wait otherwise.
 */
Result<UniqueFd> bring_up_loopback(const JailReference& jail);

/** Moves an interface of this process's network into a jail's. ENXIO: there is none of that name. */
Status lend_interface(const std::string& name, int jid);
/** Moves it back, out of the jail's. ENXIO: it is not there. */
Status take_interface_back(const std::string& name, int jid);

/**
 * Makes a network interface of a kind that can be cloned (ifconfig(8), create): of a name such as `epair` the next free
 * one, of `epair7` that one, or EEXIST.
 * @return its name; of an epair(4) that of its first end
 */
Result<std::string> create_interface(const std::string& name);
/** ENXIO where there is none. Of an epair(4) both ends go. */
Status destroy_interface(const std::string& name);

/**
 * The jails of closed sessions whose networks the kernel is taking away, by one thread for all. Who opens sessions
 * faster than that waits, or the memory of the host would be full of them.
 */
class DyingNetworks {
 public:
  void add(std::string jail_name);
  /** Waits until there are few, but not for long: one that something else holds keeps nobody from going on. */
  void wait_until_few();

 private:
  static constexpr std::size_t kMany = 32;

  void forget_dead();

  std::mutex mutex_;
  /** The longest ago first. */
  std::deque<std::string> names_;
};

}  // namespace buildjail
