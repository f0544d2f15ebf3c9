#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "freebsd/event_thread.h"

namespace buildjail {

/** What has happened to a jail since it was told last (kqueue(2), EVFILT_JAIL). */
struct JailEvents {
  bool is_set;
  bool is_attached;
  bool is_child_made;
  /** It has begun to die; nothing is told after that. */
  bool is_removed;
  /** Several were attached or made. */
  bool is_multiple;
  /** The process that was attached, or the jail that was made; 0 where there were several. */
  int number;
};

using TellJailEvents = std::function<void(const JailEvents&)>;

/** By its number (EVFILT_JAIL) or a descriptor (EVFILT_JAILDESC), of 15.0. `tell` is called on another thread. */
Result<std::shared_ptr<EventThread>> watch_jail(int jid, TellJailEvents tell);
Result<std::shared_ptr<EventThread>> watch_jail_by(int descriptor, TellJailEvents tell);

}  // namespace buildjail
