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
  /**
   * Whether the call still waits. If it does, everything opened before by the number of the thread belonged to that
   * thread.
   */
  std::function<bool()> is_waiting;
};

/** How a call is answered. */
struct CallAnswer {
  /** The kernel makes the call. */
  bool goes_on = false;
  /** Otherwise: 0, or the errno with which the call fails. */
  int err = 0;
};

/** The rights are this thread's. They are given back after the answer. */
using AnswerCall = std::function<CallAnswer(const CallNotice&, BorrowedRights&)>;

/**
 * Answers the system calls that the filters of sessions pass on. One thread serves all sessions of an environment, and
 * starts with the first listener. It answers one call of each session in turn, so no session waits for all calls of
 * another.
 */
class CallNotices {
 public:
  CallNotices() = default;
  CallNotices& operator=(CallNotices&&) = delete;
  ~CallNotices();

  /** Answers the calls of a session until it is destroyed. Its destructor waits for an answer that is being made. */
  class Watch {
   public:
    Watch(CallNotices& notices, std::uint64_t token) : notices_(notices), token_(token) {}
    Watch& operator=(Watch&&) = delete;
    ~Watch() { notices_.forget(token_); }

   private:
    CallNotices& notices_;
    std::uint64_t token_;
  };
  /** Takes ownership of the listener. */
  Result<std::unique_ptr<Watch>> watch(UniqueFd listener, AnswerCall answer);

 private:
  struct Session {
    UniqueFd listener;
    AnswerCall answer;
    /** The last process with the filter has ended. */
    bool is_over = false;
  };
  /** What the thread waits for: the wake-up first, then the listeners in the order of their tokens. */
  struct Awaited {
    std::vector<pollfd> files;
    std::vector<std::uint64_t> tokens;
  };

  void forget(std::uint64_t token);
  void loop();
  /** The caller holds the lock. */
  void list(Awaited& awaited) const;
  void wake() const;
  /** Answers one call of the session with this token. */
  void turn(std::uint64_t token, short events, BorrowedRights& rights);
  /** Answers one call, if one waits. */
  static void serve(const Session& session, BorrowedRights& rights);

  std::mutex mutex_;
  std::condition_variable served_;
  bool is_stopping_ = false;
  /** The sessions have changed since the thread last listed them. */
  bool is_changed_ = false;
  std::uint64_t last_token_ = 0;
  /** The token of the session whose call is being answered, or 0. */
  std::uint64_t serving_ = 0;
  std::map<std::uint64_t, std::shared_ptr<Session>> sessions_;
  UniqueFd wake_;
  std::thread thread_;
};

}  // namespace buildjail
