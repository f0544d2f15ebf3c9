#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "core/unique_fd.h"

namespace buildjail {

/**
 * Network namespaces made ahead for the next sessions. Nothing of a session takes the kernel longer, and all of them
 * are alike: new, and with nothing in them that is up. Each is for one session. A thread makes them when nothing has
 * been done for a moment: beside an opening or a short command, what it takes from that is more than what the next is
 * spared. Root's only: what lies in a user namespace of its own has to be made there.
 */
class SpareNetworks {
 public:
  SpareNetworks() = default;
  SpareNetworks(const SpareNetworks&) = delete;
  SpareNetworks& operator=(const SpareNetworks&) = delete;
  SpareNetworks(SpareNetworks&&) = delete;
  SpareNetworks& operator=(SpareNetworks&&) = delete;
  ~SpareNetworks();

  /** One that nobody else has; empty when none is left: the caller makes its own. */
  UniqueFd take();
  /** Something else is being done with a session. */
  void give_way();

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable wanted_or_stopping_;
  std::chrono::steady_clock::time_point last_done_;
  bool is_stopping_ = false;
  std::vector<UniqueFd> ready_;
  std::thread thread_;
};

}  // namespace buildjail
