#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.h"
#include "freebsd/event_thread.h"

namespace buildjail {

/** As wait4(2) tells it. */
struct ProcessEnd {
  int status;
  std::int64_t user_us;
  std::int64_t system_us;
  std::int64_t max_rss_bytes;
};

/** Tells, on another thread, that a child of this process has ended; until `take_end` its number is nobody else's. */
Result<std::shared_ptr<EventThread>> wait_for_end(pid_t child, std::function<void()> tell);
/** Of a child that has ended. */
ProcessEnd take_end(pid_t child);

}  // namespace buildjail
