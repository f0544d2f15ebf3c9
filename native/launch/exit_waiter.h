#pragma once

#include <sys/types.h>

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "launch/captured_stream.h"
#include "launch/event_queue.h"
#include "launch/launch_request.h"
#include "base/result.h"
#include "launch/stdio_ends.h"

namespace buildjail {

/** A launched command, from its launch until it was waited for. */
struct Child {
  std::uint32_t run = 0;
  pid_t pid = -1;
  /** Which envelope it belongs to, as that counts them. */
  std::uint64_t owner = 0;
  /** stdout and stderr. */
  std::array<CapturedStream, 2> streams;
  /** Called on the waiter's thread, before anybody is told. */
  std::function<void()> when_exited;
  /** Its end begins the end of its envelope. */
  bool is_last = false;
};

/** How a command ended. */
struct Exit {
  std::uint32_t run;
  /** As wait4(2) gives it. */
  int status;
  std::int64_t user_us;
  std::int64_t system_us;
  std::int64_t max_rss_bytes;
  bool is_max_buffer;
  /** stdout and stderr, where captured. */
  std::array<std::optional<std::vector<std::byte>>, 2> output;
};

/**
 * The one thread that waits for commands, reads their captured output and reaps them. It waits for its own pids only,
 * so it never takes a status that the host program is waiting for.
 */
class ExitWaiter {
 public:
  /**
   * Both are called on the waiter's thread: `deliver` once for each exit, and before that `hear` for one that is its
   * envelope's last, when it is dead but was not waited for yet.
   */
  static Result<std::shared_ptr<ExitWaiter>> start(std::function<void(Exit)> deliver,
                                                   std::function<void(std::uint32_t run)> hear);
  ExitWaiter(const ExitWaiter&) = delete;
  ExitWaiter& operator=(const ExitWaiter&) = delete;
  ExitWaiter(ExitWaiter&&) = delete;
  ExitWaiter& operator=(ExitWaiter&&) = delete;
  ~ExitWaiter() { stop(); }

  /** Ends the thread. Children still watched are no longer reaped, nor waited for. */
  void stop();

  /**
   * Takes over a command that was just launched: its pid, and our ends of what is captured of it. On failure it is
   * killed and waited for, as nobody else would. `when_exited` must not wait for anything. No pid is none of a command:
   * kill(2) takes 0 and below for whole groups, the host program's own first.
   */
  Status adopt(pid_t pid, std::uint64_t owner, const LaunchRequest& request, StdioEnds& ends,
               std::function<void()> when_exited = {});
  /**
   * Signals the process group of a run; false when that run is over. While this can find it, its pid is not reused,
   * unless the host program has SIGCHLD ignored (wait(2)).
   */
  bool signal(std::uint32_t run, int signal);
  /** Waits until every child of an owner is reaped; false when the bound is reached first, or nobody reaps any more. */
  bool wait_reaped(std::uint64_t owner, std::chrono::milliseconds bound);

 private:
  Status watch(Child child);
  ExitWaiter(std::unique_ptr<EventQueue> queue, std::function<void(Exit)> deliver,
             std::function<void(std::uint32_t run)> hear);
  void loop();
  void hear_of(std::uint32_t run);
  void read(std::uint32_t run, std::size_t stream);
  /** False while it is a debugger's turn to wait for it (ptrace(2)). */
  bool reap(std::uint32_t run);

  std::unique_ptr<EventQueue> queue_;
  std::function<void(Exit)> deliver_;
  std::function<void(std::uint32_t run)> hear_;
  std::mutex mutex_;
  std::condition_variable reaped_;
  std::map<std::uint32_t, Child> children_;
  /** Of the waiter's thread: dead, but not to be waited for yet. */
  std::vector<std::uint32_t> traced_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace buildjail
