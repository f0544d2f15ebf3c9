#pragma once

#include <sys/uio.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/launch_request.h"
#include "launch/waiter.h"
#include "linux/init/messages.h"
#include "linux/lesser_limits.h"
#include "plan/plan.h"

namespace buildjail {

/** The program made from init/init.c; defined in the file that init/embed.mjs writes. */
std::span<const std::uint8_t> init_bytes();

/**
 * Makes a file in memory with the program that is pid 1 of every session, to be executed by descriptor. It is a part of
 * the addon, so no file has to be found that could be another one by the time it is executed.
 */
Result<UniqueFd> make_init_image();

/** How a command is set up, besides its request. */
struct CommandSetup {
  const BuildUser& user;
  /** All of the session is the caller outside: no groups can be set, and no process has a capability to lose. */
  bool has_one_id;
  LesserLimits lesser;
  /** The command waits before it executes, so that it can be looked at. */
  bool waits = false;
  /** The standard descriptor that is its controlling terminal, or -1. */
  int terminal = -1;
};

/** The socket to init, pid 1 of a session (init/messages.h). Any thread may send; the waiter's reads. */
class InitChannel {
 public:
  explicit InitChannel(UniqueFd socket) : socket_(std::move(socket)) {}

  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

  /** Sends the command to init. In `stdio`, -1 stands for the session's /dev/null. */
  Status launch(const LaunchRequest& request, const CommandSetup& setup, const std::array<int, 3>& stdio);
  /** Signals the process group of a command. False if init has ended. */
  bool signal(std::uint32_t number, int signal);
  /** Asks for the pid of a command; the waiter gets it. False if init has ended. */
  bool ask_for_pid(std::uint32_t number);
  /** Has init send SIGKILL to all other processes, and waits for its answer. ETIMEDOUT at the bound. */
  Status kill_all(std::chrono::milliseconds bound);
  /** Shuts the sending side down, by which init knows that the session ends. */
  bool shut_down();

  /** Until the root is sealed: sends calls, which are answered (InitCalls). */
  Status send_calls(const calls_message& header, std::span<const init_call> calls, std::string_view text,
                    std::span<const int> descriptors);
  /** Waits for the answer, and takes the descriptor that comes along. ESRCH if init has ended. */
  Result<calls_answer> read_calls_answer(std::vector<UniqueFd>& shown);

  /**
   * From here on no sender waits for init, which gets only the processor time that its build leaves it. A message for
   * which there is no room is kept, and sent when `read` is called. `tell` asks for that call once there is room, or
   * asks for no more of them.
   */
  void keep_what_has_no_room(std::function<Status(bool)> tell);
  /** Reads one answer and passes it to the waiter; false at the end. */
  bool read(Waiter& waiter);

 private:
  struct Kept {
    std::string bytes;
    std::vector<UniqueFd> descriptors;
  };

  Status send(std::span<const iovec> message, std::span<const int> descriptors);
  /** One sendmsg(2); with its errno. */
  bool send_now(std::span<const iovec> message, std::span<const int> descriptors, int flags);
  /** The lock is held. */
  Status send_or_keep(std::span<const iovec> message, std::span<const int> descriptors);
  Status keep(std::span<const iovec> message, std::span<const int> descriptors);
  void send_kept();

  UniqueFd socket_;
  std::mutex sending_;
  /** In their order. */
  std::deque<Kept> kept_;
  /** Empty while senders wait. */
  std::function<Status(bool)> tell_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::uint64_t answers_ = 0;
  bool is_over_ = false;
};

}  // namespace buildjail
