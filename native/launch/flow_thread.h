#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/flow.h"

namespace buildjail {

/** Called on the thread of the flows, which holds no lock meanwhile. */
struct FlowListener {
  /** A flow failed: the command must be ended. Called again and again until `command_ended`. */
  std::function<void()> failed;
  /** The flows are settled, or one of them is over. */
  std::function<void()> changed;
};

/**
 * The flows of one command, on a thread of their own: a file system or a terminal that is held up holds up this command
 * and no other, and a busy event loop holds up none.
 *
 * It outlives its command where a process that the command left still has the other end of an output.
 */
class FlowThread {
 public:
  /** The failures of the files, at the time when the command had ended. */
  struct Settled {
    std::optional<SysError> input_failure;
    std::optional<SysError> output_failure;
  };

  static Result<std::unique_ptr<FlowThread>> start(std::vector<std::unique_ptr<Flow>> flows, FlowListener listener);
  FlowThread& operator=(FlowThread&&) = delete;
  /** Ends the flows where they are. Not on their own thread. */
  ~FlowThread();

  // Any thread. None of these waits.

  /** Calls `act` on the thread of the flows, unless it has ended. */
  void post(std::function<void()> act);
  /** Moves what the command had written to its end, and then is settled. */
  void command_ended();
  /** Ends the flows that hold up closing, once they are settled. No process that could write is left. */
  void end_when_settled();
  /** Nothing until it is settled. */
  std::optional<Settled> settled();
  /** A flow is left for which closing the session waits. */
  bool holds_up_closing();
  /** Nothing moves any more. */
  bool is_over();

 private:
  using Clock = std::chrono::steady_clock;

  FlowThread(std::vector<std::unique_ptr<Flow>> flows, FlowListener listener, UniqueFd wake)
      : flows_(std::move(flows)), listener_(std::move(listener)), wake_(std::move(wake)) {}

  void loop();
  void do_posted();
  void wait_and_move();
  /** How long this thread may wait, whatever its flows say. */
  [[nodiscard]] int longest_wait(bool is_settling) const;
  /** `was_in_vain`: the flows were settling, and nothing happened while the thread waited for it. */
  void give_up_after_patience(bool was_in_vain);
  /** Tells what has changed. False when everything is over. */
  bool tell_progress();
  [[nodiscard]] bool has_failed() const;
  /** A file takes what the command wrote, and we lose patience. */
  [[nodiscard]] bool is_settling() const;

  // Of the thread.
  std::vector<std::unique_ptr<Flow>> flows_;
  FlowListener listener_;
  bool is_command_ended_ = false;
  bool is_ending_ = false;
  bool is_settled_told_ = false;
  bool is_stopping_ = false;
  Clock::time_point last_happened_ = Clock::now();

  UniqueFd wake_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::optional<Settled> settled_;
  bool holds_up_closing_ = true;
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace buildjail
