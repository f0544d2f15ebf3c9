#pragma once

#include <sys/types.h>
#include <sys/event.h>

#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/** One event of kqueue(2) that is waited for on a thread of its own, again and again. */
class EventThread {
 public:
  /** Told on that thread; false: no more of them. It must not destroy the EventThread. */
  using Tell = std::function<bool(const struct kevent&)>;

  /** From here on nothing is missed. The errors are those of EV_ADD: ENOENT for a jail that is not there. */
  static Result<std::shared_ptr<EventThread>> start(const struct kevent& event, Tell tell);
  EventThread(UniqueFd queue, Tell tell);
  EventThread(const EventThread&) = delete;
  EventThread& operator=(const EventThread&) = delete;
  EventThread(EventThread&&) = delete;
  EventThread& operator=(EventThread&&) = delete;
  ~EventThread();

 private:
  void wait() const;

  UniqueFd queue_;
  Tell tell_;
  std::thread thread_;
};

}  // namespace buildjail
