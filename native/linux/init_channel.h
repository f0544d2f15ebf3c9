#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/launch_request.h"
#include "launch/waiter.h"
#include "plan/plan.h"

namespace buildjail {

/** How a command of a session is set up, beside what its request says. */
struct CommandSetup {
  const BuildUser& user;
  /** All of the session is the caller outside: its groups cannot be set, and nobody in it has a capability to lose. */
  bool has_one_id;
  /** It does not execute, but stays as it is before that. */
  bool waits = false;
  /** The standard descriptor that is its controlling terminal; -1: it has none. */
  int terminal = -1;
};

/** The socket to init, pid 1 of a session (init/messages.h). Any thread may send; the waiter's reads. */
class InitChannel {
 public:
  explicit InitChannel(UniqueFd socket) : socket_(std::move(socket)) {}

  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

  /** Returns once the command is on its way. `stdio`: -1 is the session's own /dev/null. */
  Status launch(const LaunchRequest& request, const CommandSetup& setup, const std::array<int, 3>& stdio);
  /** The process group of a command. False when init is gone. */
  bool signal(std::uint32_t number, int signal);
  /** Has the pid of a command told. */
  bool ask_for_pid(std::uint32_t number);
  /** SIGKILL to everything but init, and waits until that was done. ETIMEDOUT at the bound. */
  Status kill_all(std::chrono::milliseconds bound);
  /** Ends our sending, which init takes for the end of the session. Again: nothing to do. */
  bool shut_down();

  /** Reads one answer and passes it on; false at the end. */
  bool read(Waiter& waiter);

 private:
  Status send(std::span<const std::byte> message, std::span<const int> descriptors);

  UniqueFd socket_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::uint64_t answers_ = 0;
  bool is_over_ = false;
};

}  // namespace buildjail
