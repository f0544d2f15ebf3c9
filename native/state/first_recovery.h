#pragma once

#include <chrono>
#include <mutex>
#include <set>
#include <string>

#include "state/recovery.h"
#include "base/trace.h"

namespace buildjail {

/** The recovery that comes before the first session of an environment, once for each state directory. */
class FirstRecovery {
 public:
  /** What was left alone does not keep a session from being opened; recover() tells of it. */
  void run(const Recovery& recovery, const std::string& state_directory, Trace& trace) {
    const std::lock_guard lock(mutex_);
    if (!done_.insert(state_directory).second) return;
    // What others are recovering is not waited for.
    static_cast<void>(recovery.run(std::chrono::milliseconds(0)));
    trace.mark("recover", state_directory);
  }

 private:
  std::mutex mutex_;
  std::set<std::string> done_;
};

}  // namespace buildjail
