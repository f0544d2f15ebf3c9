#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "envelope/envelope.h"
#include "envelope/record.h"
#include "launch/launch_request.h"
#include "launch/stdio_ends.h"

namespace buildjail {

class Jobs;

/** The result of a job, told once. */
struct JobEnd {
  std::uint32_t number;
  /** Why it could not be opened, completed or launched. */
  std::optional<SysError> failure{};
  std::optional<Exit> exit{};
  /** The limit, of the command or of its session, that ended the command. */
  std::optional<Limit> limit{};
  /** When the command died, of a job that closes. */
  std::optional<std::chrono::steady_clock::time_point> died{};
  std::string id;
  /** The envelope that the job opened and did not close, or could not close. */
  std::shared_ptr<Envelope> envelope{};
  /** The steps of opening, where they are told. */
  std::optional<Trace> opened{};
  /** Of a job that closes, where something is left or the steps are told. */
  std::optional<CloseReport> closed{};
};

/** The receivers of a signal to a command. */
enum class Whom : std::uint8_t {
  /** Its process group. */
  kGroup,
  /** Everything it started. */
  kTree,
};

/**
 * The one way to do something with an envelope: open it or take one that is open, complete it, run a command in it,
 * close it. It goes from thread to thread: one that opens and launches, the waiter's, one that closes. Closing begins
 * when the command is dead, before it is waited for.
 */
class Job : public std::enable_shared_from_this<Job> {
 public:
  /** Of a plan, or of an envelope. */
  Job(Jobs& jobs, SharedPlan plan, std::shared_ptr<Envelope> envelope, JobRequest request, StdioEnds ends)
      : jobs_(jobs),
        plan_(std::move(plan)),
        envelope_(std::move(envelope)),
        request_(std::move(request)),
        ends_(std::move(ends)),
        has_opened_(plan_ != nullptr) {}

  /** Comes first. Makes the budget of its command's output; null where that has no limit. */
  SharedStdioBudget begin_to_count();
  /** It need not go to a thread that may wait. */
  [[nodiscard]] bool begins_at_once() const;
  void begin();
  /** Kept for the command where it is not launched yet. False when it is over. Any thread. */
  bool signal(int signal, Whom whom);
  /** Of its command's terminal; kept where the command is not launched yet. False when it is over, or has none. */
  bool resize(TerminalSize size);
  /** Of its session; nothing is counted before that is open. May wait. Any thread. */
  Result<SessionUsage> usage();

 private:
  Status open();
  Status launch();
  bool send(int signal, Whom whom);
  /** On a thread that may wait: to look for what a command started takes a look at every process. */
  void signal_tree(int signal, bool then_tells);
  void close_on_a_thread();
  /** It has written more than it may. */
  void end_for_output();
  std::optional<Limit> limit_met(const Ending& ending, const std::vector<int>& signals);
  void give_up(SysError failure);
  void begin_to_close();
  void close();
  void take(Result<Exit> exit);
  void tell();

  Jobs& jobs_;
  SharedPlan plan_;
  std::shared_ptr<Envelope> envelope_;
  JobRequest request_;
  StdioEnds ends_;
  bool has_opened_;
  CloseReport report_;
  CommandLimits limits_;
  /** At the launch. */
  LimitsMet met_before_;

  std::mutex mutex_;
  /** Signals for a command that is not launched yet; nothing once it was, or will never be. */
  std::optional<std::vector<std::pair<int, Whom>>> early_{std::in_place};
  std::optional<TerminalSize> early_size_;
  std::optional<Exit> exit_;
  std::optional<SysError> failure_;
  std::optional<std::chrono::steady_clock::time_point> died_;
  bool is_closed_ = false;
  /** Everything that the command started was signalled, and is to end with it. */
  bool is_tree_ending_ = false;
  /** The signals that its caller sent. */
  std::vector<int> signals_;
  bool is_over_stdio_ = false;
};

}  // namespace buildjail
