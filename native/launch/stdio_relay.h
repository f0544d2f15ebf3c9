#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/flow.h"

namespace buildjail {

/** Called on the relay's thread, which holds nothing meanwhile. */
struct RelayListener {
  /** Something failed: the command is to be ended. Called again and again until `command_ended`. */
  std::function<void()> failed;
  /** It is settled, or over. */
  std::function<void()> changed;
};

/**
 * Moves what goes between a command and files of the host, on a thread of its own: a file system that is slow holds up
 * this command and no other, and a busy event loop none.
 *
 * It outlives its command where a process that the command left still has the other end of an output.
 */
class StdioRelay {
 public:
  /** What came of it, by the time that its command had ended. */
  struct Settled {
    std::optional<SysError> input_failure;
    std::optional<SysError> output_failure;
  };

  static Result<std::unique_ptr<StdioRelay>> start(std::vector<Flow> flows, RelayListener listener);
  StdioRelay(const StdioRelay&) = delete;
  StdioRelay& operator=(const StdioRelay&) = delete;
  StdioRelay(StdioRelay&&) = delete;
  StdioRelay& operator=(StdioRelay&&) = delete;
  /** Ends it where it is. Not on its own thread. */
  ~StdioRelay();

  // Any thread. None of these waits.

  /** What the command had written is now moved to its end, and then it is settled. */
  void command_ended() { ask(&Asked::command_ended); }
  /** Ends it once it is settled. Nobody is left who could write. */
  void end_when_settled() { ask(&Asked::end_when_settled); }
  /** Nothing until it is settled. */
  std::optional<Settled> settled();
  /** Nothing moves any more. */
  bool is_over();

 private:
  struct Asked {
    bool command_ended = false;
    bool end_when_settled = false;
    bool end_now = false;
  };

  StdioRelay(std::vector<Flow> flows, RelayListener listener, UniqueFd wake)
      : flows_(std::move(flows)), listener_(std::move(listener)), wake_(std::move(wake)) {}

  void ask(bool Asked::* what);
  Asked asked();
  void loop();
  /** Of the thread: what follows from what was asked. False at the end. */
  bool follow(const Asked& now);
  void tell_settled();
  void wait_and_move();
  [[nodiscard]] bool has_failed() const;

  // Of the thread.
  std::vector<Flow> flows_;
  RelayListener listener_;
  bool is_command_ended_ = false;
  bool is_ending_ = false;
  bool is_settled_told_ = false;

  UniqueFd wake_;
  std::mutex mutex_;
  Asked asked_;
  std::optional<Settled> settled_;
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace buildjail
