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
#include "freebsd/iovec_list.h"
#include "freebsd/jail_child.h"
#include "launch/waiter.h"

namespace buildjail {

// The calls of `buildjail/freebsd` on any jail that are more than one system call: its descriptor, a process in it, its
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
 * Makes the call with kJailGetDesc or kJailOwnDesc among its `flags`. `options` has the int `desc` as pair number
 * `desc`, and ends in add_errmsg().
 *
 * The kernel makes the descriptor without close-on-exec, and a program that inherits it may change, enter and remove
 * the jail. So a child with a descriptor table of its own makes the call (vfork(2)), and sends the descriptor here
 * (unix(4), MSG_CMSG_CLOEXEC): this process never has it without close-on-exec.
 */
Result<OpenedJail> open_jail(const JailCall& call, IovecList& options, std::size_t desc, int flags);

/** A process to start in any jail: the child of a session (jail_child.h), but each of its steps can be left out. */
struct SpawnRequest {
  enum class Stdio : std::uint8_t { kNull, kPipe, kDescriptor };

  int jid = 0;
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::string working_directory;
  /** For the step kLoginClass. */
  std::string login_class;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  mode_t umask = 022;
  int parent_death_signal = 0;
  std::vector<SetLimits::Bound> limits;
  ForkSteps steps;
  /** kNull: the jail's own /dev/null with the step kNull, else a closed descriptor. */
  std::array<Stdio, 3> stdio{};
  /** Copies of the caller's descriptors, all above 2; or empty. */
  std::array<UniqueFd, 3> descriptors;
};

struct Spawned {
  pid_t pid;
  /** Our ends of its pipes. */
  std::array<UniqueFd, 3> ours;
};

/** Starts the process, which the caller has to wait for. The error of a step names the call that failed. */
Result<Spawned> spawn_in_jail(SpawnRequest& request);

/** A thread that waits for one event of kqueue(2), again and again. */
class EventThread {
 public:
  /** Called on that thread; false ends the waiting. It must not destroy the EventThread. */
  using Tell = std::function<bool(const struct kevent&)>;

  /** No later event is missed. The errors are those of EV_ADD: ENOENT for a jail that does not exist. */
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

/** What has happened to a jail since the last event (kqueue(2), EVFILT_JAIL). */
struct JailEvents {
  bool is_set;
  bool is_attached;
  bool is_child_made;
  /** The jail has begun to die. This is the last event. */
  bool is_removed;
  /** Several processes were attached, or several jails made. */
  bool is_multiple;
  /** The process that was attached, or the jail that was made; 0 if there were several. */
  int number;
};

using TellJailEvents = std::function<void(const JailEvents&)>;

/** Watches a jail by its number (EVFILT_JAIL) or a descriptor (EVFILT_JAILDESC); both since 15.0. Calls `tell` on
 * another thread. */
Result<std::shared_ptr<EventThread>> watch_jail(int jid, TellJailEvents tell);
Result<std::shared_ptr<EventThread>> watch_jail_by(int descriptor, TellJailEvents tell);

/** Calls `tell` on another thread when a child of this process has ended. Its number stays its own until `take_end`. */
Result<std::shared_ptr<EventThread>> wait_for_end(pid_t child, std::function<void()> tell);
/** Waits for a child that has ended. */
Ending take_end(pid_t child);

}  // namespace buildjail
