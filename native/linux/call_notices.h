#pragma once

#include <sys/types.h>
#include <poll.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/caller_rights.h"

namespace buildjail {

/** Flags of seccomp(2), SECCOMP_SET_MODE_FILTER: NEW_LISTENER and WAIT_KILLABLE_RECV. */
inline constexpr unsigned kNewListener = 0x8, kWaitsKillable = 0x20;

/** A system call that waits for an answer (seccomp_unotify(2)). */
struct CallNotice {
  /** By the numbers of this process's pid namespace. */
  pid_t thread;
  int number;
  std::array<std::uint64_t, 6> arguments;
  /** Whether the call still waits. What was opened by the number of the thread before was the thread's if it does. */
  std::function<bool()> is_waiting;
};

/** What becomes of a call. */
struct CallAnswer {
  /** The kernel makes it. */
  bool goes_on = false;
  /** Else: 0, or the errno that it fails with. */
  int err = 0;
};

/** The rights are those of this thread, given back afterwards. */
using AnswerCall = std::function<CallAnswer(const CallNotice&, BorrowedRights&)>;

/**
 * Answers the calls of which the filters of sessions tell. One thread does for all sessions of an environment, from the
 * first listener on. Of the sessions with calls each has one answered in turn, so none waits for the calls of another.
 */
class CallNotices {
 public:
  CallNotices() = default;
  CallNotices& operator=(CallNotices&&) = delete;
  ~CallNotices();

  /** Answers the calls of a session until this is destroyed, which waits for an answer that is being made. */
  class Watch {
   public:
    Watch(CallNotices& notices, std::uint64_t token) : notices_(notices), token_(token) {}
    Watch& operator=(Watch&&) = delete;
    ~Watch() { notices_.forget(token_); }

   private:
    CallNotices& notices_;
    std::uint64_t token_;
  };
  /** The listener is owned. */
  Result<std::unique_ptr<Watch>> watch(UniqueFd listener, AnswerCall answer);

 private:
  struct Session {
    UniqueFd listener;
    AnswerCall answer;
    /** The last process with the filter has ended. */
    bool is_over = false;
  };
  /** What the thread waits for: first to be woken, then the listeners, in the order of their tokens. */
  struct Awaited {
    std::vector<pollfd> files;
    std::vector<std::uint64_t> tokens;
  };

  void forget(std::uint64_t token);
  void loop();
  /** With the lock. */
  void list(Awaited& awaited) const;
  void wake() const;
  /** The session that the event is of has its turn. */
  void turn(std::uint64_t token, short events, BorrowedRights& rights);
  /** Answers one call, if one waits. */
  static void serve(const Session& session, BorrowedRights& rights);

  std::mutex mutex_;
  std::condition_variable served_;
  bool is_stopping_ = false;
  /** There are others to wait for than the thread knows. */
  bool is_changed_ = false;
  std::uint64_t last_token_ = 0;
  /** The session whose call is being answered; or 0. */
  std::uint64_t serving_ = 0;
  std::map<std::uint64_t, std::shared_ptr<Session>> sessions_;
  UniqueFd wake_;
  std::thread thread_;
};

}  // namespace buildjail
