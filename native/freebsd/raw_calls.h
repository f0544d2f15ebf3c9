#pragma once

#include <sys/types.h>
#include <sys/event.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freebsd/fork_steps.h"
#include "freebsd/iovec_list.h"
#include "freebsd/set_limits.h"

namespace buildjail {

// What `buildjail/freebsd` does with any jail that takes more than one call: its descriptor, a process in it, its
// events.

/** jail_set(2) or jail_get(2). */
struct JailCall {
  int (*function)(iovec*, unsigned, int);
  const char* name;
};

struct OpenedJail {
  int jid;
  UniqueFd descriptor;
};

/**
 * One of both calls with kJailGetDesc or kJailOwnDesc among its `flags`. `options` has the int `desc`, as pair number
 * `desc`, and ends in add_errmsg().
 *
 * The kernel makes the descriptor without close-on-exec, and whoever inherits it may change, enter and remove the jail.
 * So the call is made in a child with a descriptor table of its own (vfork(2)), which sends the descriptor here
 * (unix(4), MSG_CMSG_CLOEXEC): in this process it is there with close-on-exec or not at all.
 */
Result<OpenedJail> open_jail(const JailCall& call, IovecList& options, std::size_t desc, int flags);

/** A process to be started in any jail: the child of a session (jail_child.h), with each of its steps to be chosen. */
struct SpawnRequest {
  enum class Stdio : std::uint8_t { kNull, kPipe, kDescriptor };

  int jid = 0;
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::string working_directory;
  /** With the step kLoginClass. */
  std::string login_class;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  mode_t umask = 022;
  int parent_death_signal = 0;
  std::vector<SetLimits::Bound> limits;
  ForkSteps steps;
  /** kNull: the jail's own /dev/null, with the step kNull, else nothing. */
  std::array<Stdio, 3> stdio{};
  /** Copies of those that were given, all above 2; or empty. */
  std::array<UniqueFd, 3> descriptors;
};

struct Spawned {
  pid_t pid;
  /** Our ends of its pipes. */
  std::array<UniqueFd, 3> ours;
};

/** What it returns runs, and is the caller's to wait for. The error of a step carries what that step calls. */
Result<Spawned> spawn_in_jail(SpawnRequest& request);

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
