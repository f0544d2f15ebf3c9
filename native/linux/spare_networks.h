#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace buildjail {

/** A network namespace of root's, in which nothing is up but the loopback at most. */
struct Network {
  /** Of a process, whose own it is. Empty where that is not to be had. */
  static Network of(pid_t pid);

  explicit operator bool() const noexcept { return static_cast<bool>(space); }

  /** To enter it by (setns(2)). */
  UniqueFd space;
  /** Its /proc/net/sockstat (proc_pid_net(5)). */
  UniqueFd sockets;
};

/**
 * Network namespaces that are there for the next sessions. Nothing of a session takes the kernel longer to make, or to
 * take away. Root's only: what lies in a user namespace of its own has to be made there.
 *
 * Most are made ahead from the second session on, and are all alike. A thread makes them when nothing has been done for
 * a moment: beside an opening or a short command, what it takes from that is more than what the next is spared.
 *
 * Some were a session's before, and go to one with the same outputs and the same build user only, who could read there
 * what the one before has left to it. Nobody is in it any more by then and the kernel counts no socket in it; what an
 * ordinary user can change of it besides are its counters.
 */
class SpareNetworks {
 public:
  /** Whether the loopback is up in those that are made ahead. */
  enum class Loopback : std::uint8_t { kDown, kUp };

  explicit SpareNetworks(Loopback loopback);
  SpareNetworks(const SpareNetworks&) = delete;
  SpareNetworks& operator=(const SpareNetworks&) = delete;
  SpareNetworks(SpareNetworks&&) = delete;
  SpareNetworks& operator=(SpareNetworks&&) = delete;
  ~SpareNetworks();

  /** One that nobody else has; empty when none is left: the caller makes its own. `whose` is empty for a new one. */
  Network take(const std::string& whose);
  /** After the last process in it has ended. */
  void give_back(Network network, std::string whose);
  /** Something else is being done with a session. */
  void give_way();

 private:
  struct Used {
    std::string whose;
    Network network;
  };

  void loop();
  Network take_used(const std::string& whose);

  const Loopback loopback_;
  /** Of new ones, and of used ones: fewer where this process may have few descriptors (getrlimit(2)). */
  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable wanted_or_stopping_;
  std::chrono::steady_clock::time_point last_done_;
  bool is_stopping_ = false;
  bool has_been_asked_ = false;
  std::vector<Network> ready_;
  /** The longest ago first. */
  std::deque<Used> used_;
  std::thread thread_;
};

}  // namespace buildjail
