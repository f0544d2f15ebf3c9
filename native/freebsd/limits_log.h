#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "envelope/accounting.h"

namespace buildjail {

/** The action of the rules that say what was met (rctl(8)). */
inline constexpr const char* kLogged = "log";

/**
 * What of a jail's rules was met, as the kernel says in its message buffer (dmesg(8)), where it has nothing else to say
 * it to. It says at most 10 such things a second for all jails of the host (kern.racct.rctl.log_rate_limit), and one
 * thing once for each process; and the buffer forgets.
 */
class LimitsLog {
 public:
  explicit LimitsLog(const std::string& jail) : beginning_("rctl: rule \"jail:" + jail + ":") {}

  /** Reads the buffer. What cannot be read is as if there were nothing new. */
  LimitsMet met();

 private:
  void count(const std::string& line);

  std::string beginning_;
  std::mutex mutex_;
  /** Those that were in the buffer when it was last read, after `beginning_`. */
  std::vector<std::string> seen_;
  LimitsMet met_;
};

}  // namespace buildjail
