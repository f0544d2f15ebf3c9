#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>

namespace buildjail {

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
