#pragma once

#include <sys/types.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.h"
#include "launch/event_queue.h"
#include "launch/launch_request.h"
#include "launch/mover.h"
#include "launch/stdio_ends.h"
#include "launch/terminal.h"

namespace buildjail {

/** The end of a command, as wait4(2) returns it. */
struct Ending {
  int status;
  std::int64_t user_us;
  std::int64_t system_us;
  std::int64_t max_rss_bytes;
};

Ending ending_of(int status, const rusage& usage);

/** The end of a command, with its collected output. */
struct Exit {
  Ending ending;
  Moved moved;
};

/** Called on the waiter's thread, `started` also on the one that launches. None of them may wait for anything. */
struct CommandListener {
  /** The command runs. */
  std::function<void(pid_t pid)> started;
  /** The command is dead. It may not have been waited for yet. */
  std::function<void()> dead;
  /** The last call. An error: the command could not be launched. */
  std::function<void(Result<Exit> exit)> ended;
};

/** A command that is being launched or runs, until its end was reported. */
struct Child {
  std::uint32_t run = 0;
  /** Of the envelope: see Waiter::new_owner. */
  std::uint64_t owner = 0;
  CommandListener listener;
  /** Signals the command's process group. False if there is none any more. Any thread. `pid` is -1 while unknown. */
  std::function<bool(pid_t pid, int signal)> signal;
  pid_t pid = -1;
};

/**
 * The one thread that watches commands, reads their captured output and reports their ends. FreeBSD's commands are
 * children of this process, and the waiter waits for exactly those pids, so it never takes a status that the host
 * program is waiting for. Linux's are children of their session's pid 1, which reports them over a channel.
 */
class Waiter {
 public:
  static Result<std::shared_ptr<Waiter>> start();
  Waiter& operator=(Waiter&&) = delete;
  ~Waiter() { stop(); }

  /** Ends the thread. No listener is called any more. */
  void stop();

  [[nodiscard]] std::uint64_t new_owner() { return last_owner_ += 1; }
  /** The number of a command that native code runs for itself. JavaScript's have the lower half of the numbers. */
  [[nodiscard]] std::uint32_t new_run() { return kFirstOwnRun | (last_own_run_ += 1); }

  /** To be called before the launch. Hands the command's bytes to the mover, and watches its captured streams. */
  Status expect(Child child, const LaunchRequest& request, StdioEnds& ends);
  /** The same for a child of this process: watch_process watches its streams, together with its end. */
  Status expect_process(Child child, const LaunchRequest& request, StdioEnds& ends);
  /** To be called if there was no launch. The listener is not called. */
  void forget(std::uint32_t run);
  /**
   * The command is this child of ours. On failure it is killed, waited for and forgotten. A pid of 0 or less is
   * refused: kill(2) takes those for whole groups, the host program's own first.
   */
  Status watch_process(std::uint32_t run, pid_t pid);

  /** `read` is called when the descriptor can be read, and is false at its end; then it is not called again. */
  Status watch_channel(std::uint64_t owner, int fd, std::function<bool()> read);
  /** Has `read` called while the descriptor of a channel can be written to, or ends that. */
  Status watch_room(std::uint64_t owner, int fd, bool is_wanted);
  /** To be called before the descriptor is closed. */
  void forget_channel(std::uint64_t owner, int fd);
  /** Notes the pid of the command, as soon as it is known. */
  void found_pid(std::uint32_t run, pid_t pid);
  /** To be called after found_pid, and before the command's end. */
  void started(std::uint32_t run);
  // For the readers of channels, on the waiter's thread.
  void failed(std::uint32_t run, SysError error);
  void ended(std::uint32_t run, const Ending& ending);
  /** The envelope is gone, and all its commands with it. */
  void all_ended(std::uint64_t owner);

  // Any thread.

  /**
   * Signals the process group of a run; false when that run is over. While a pid can be found here it is not reused,
   * unless the host program has SIGCHLD ignored (wait(2)).
   */
  bool signal(std::uint32_t run, int signal);
  /** Whether the run is not over. */
  bool is_expected(std::uint32_t run);
  /** Empty while the pid is not known, and after the command's end. */
  std::optional<pid_t> pid_of(std::uint32_t run);
  [[nodiscard]] HostTerminals& terminals() noexcept { return terminals_; }
  [[nodiscard]] Mover& mover() noexcept { return mover_; }
  /** Waits until every command of an owner is over; false when the bound is reached first, or the thread has ended. */
  bool wait_reaped(std::uint64_t owner, std::chrono::milliseconds bound);

 private:
  explicit Waiter(std::unique_ptr<EventQueue> queue);
  void loop();
  /** Null if it is over. The caller holds the lock. */
  Child* find(std::uint32_t run);
  /** The captured streams of a run. */
  std::vector<Watched> streams_of(std::uint32_t run);
  void read_channel(std::uint64_t owner);
  void hear_of(std::uint32_t run);
  /** False while a debugger has to wait for it first (ptrace(2)). */
  bool reap(std::uint32_t run);
  /** Empty if it is over already. */
  std::optional<Child> take(std::uint32_t run);
  void deliver(Child child, const Ending& ending);

  struct Channel {
    int fd;
    std::function<bool()> read;
  };

  HostTerminals terminals_;
  std::unique_ptr<EventQueue> queue_;
  Mover mover_{*queue_};
  std::atomic<std::uint64_t> last_owner_ = 0;
  static constexpr std::uint32_t kFirstOwnRun = 0x80000000;
  std::atomic<std::uint32_t> last_own_run_ = 0;
  std::mutex mutex_;
  std::condition_variable reaped_;
  std::map<std::uint32_t, Child> children_;
  std::map<std::uint64_t, std::shared_ptr<Channel>> channels_;
  /** Of the waiter's thread: dead, but not to be waited for yet. */
  std::vector<std::uint32_t> traced_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace buildjail
