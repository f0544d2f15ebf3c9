#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/unique_fd.h"

namespace buildjail {

/**
 * A network namespace made ahead for the next session. Nothing of a session takes the kernel longer, and all of them
 * are alike: new, and with nothing in them that is up. Each is for one session, so a thread makes the next while that
 * one runs. Root's only: what lies in a user namespace of its own has to be made there.
 */
class SpareNetwork {
 public:
  SpareNetwork() = default;
  SpareNetwork(const SpareNetwork&) = delete;
  SpareNetwork& operator=(const SpareNetwork&) = delete;
  SpareNetwork(SpareNetwork&&) = delete;
  SpareNetwork& operator=(SpareNetwork&&) = delete;
  ~SpareNetwork();

  /** One that nobody else has; empty when none is ready, and then the caller makes its own. */
  UniqueFd take();
  /** Has the next one made. Not before the session that took one is open: the two would wait for each other in the
   * kernel. */
  void replace();

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable wanted_or_stopping_;
  bool is_wanted_ = false;
  bool is_stopping_ = false;
  UniqueFd ready_;
  std::thread thread_;
};

}  // namespace buildjail
