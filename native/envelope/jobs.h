#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/copying.h"
#include "base/result.h"
#include "envelope/envelope.h"
#include "envelope/record.h"
#include "envelope/system.h"
#include "envelope/worker_threads.h"
#include "launch/launch_request.h"
#include "launch/stdio_ends.h"
#include "launch/waiter.h"

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
 * The one way to use an envelope: open it or take one that is open, complete it, run a command in it, close it. A job
 * goes from thread to thread: one that opens and launches, the waiter's, one that closes. Closing begins when the
 * command is dead, before it is waited for.
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
        has_opened_(plan_ != nullptr),
        end_{.number = request_.number, .id = request_.id} {}

  /** To be called first. Makes the budget of its command's output; null if that has no limit. */
  SharedStdioBudget begin_to_count();
  /** Whether it needs no thread that may wait. */
  [[nodiscard]] bool begins_at_once() const;
  void begin();
  /**
   * Kept for a command that is not launched yet. A job without a command stops its opening, if that takes long. False
   * if the job is over. Any thread.
   */
  bool signal(int signal, Whom whom);
  /**
   * Of its command's terminal; kept for a command that is not launched yet. False if the job is over or has no
   * terminal.
   */
  bool resize(const winsize& size);
  /** The usage of its session; nothing is counted before that is open. May wait. Any thread. */
  Result<SessionUsage> usage();
  /** The progress of copying the inputs of the session that it opens. Any thread. */
  [[nodiscard]] Copied copied() const noexcept { return copying_.so_far(); }
  /** Stops the opening, whose result is not wanted any more. Any thread. */
  void stop_opening() const noexcept { copying_.stop(); }

 private:
  Status open();
  /** Ends a job without a command: waits until its envelope is made, and reports. */
  void settle();
  Status launch();
  bool send(int signal, Whom whom);
  /** On a thread that may wait, because finding the processes of a command takes a look at every process. */
  void signal_tree(int signal, bool then_tells);
  void close_on_a_thread();
  std::optional<Limit> limit_met(const Ending& ending, const std::vector<int>& signals);
  void give_up(SysError failure);
  void close();
  void take(Result<Exit> exit);
  void tell();

  Jobs& jobs_;
  SharedPlan plan_;
  std::shared_ptr<Envelope> envelope_;
  JobRequest request_;
  StdioEnds ends_;
  bool has_opened_;
  Copying copying_;
  CloseReport report_;
  CommandLimits limits_;
  /** At the launch. */
  LimitsMet met_before_;
  /** Of a session that closes with its command, before it does. */
  std::optional<Limit> full_tmp_;

  std::mutex mutex_;
  /** Signals for a command that is not launched yet. Empty once it was launched, or never will be. */
  std::optional<std::vector<std::pair<int, Whom>>> early_{std::in_place};
  std::optional<winsize> early_size_;
  JobEnd end_;
  bool is_closed_ = false;
  /** Everything that the command started was signalled, and is to end with it. */
  bool is_tree_ending_ = false;
  /** The signals that its caller sent. */
  std::vector<int> signals_;
  bool is_over_stdio_ = false;
};

/** The jobs and the open envelopes of one JavaScript environment, and the threads they go to. */
class Jobs {
 public:
  /** One less than there are processors: the event loop would wait for its turn among more. */
  static std::size_t opened_at_once() { return std::max<std::size_t>(2, std::thread::hardware_concurrency()) - 1; }
  /** The most openings that wait for a file server and the like. */
  static constexpr std::size_t kMostHeldUp = 8;
  /** A close mostly waits. */
  static constexpr std::size_t kMostClosing = 8;
  /**
   * The most closings that take long. A build decides whether its processes end and how many files it leaves, and other
   * sessions must not wait for that.
   */
  // defence: closing-long-holds-nobody-up
  static constexpr std::size_t kMostClosingLong = 64;
  /** The longest wait for commands that are being launched. The file server of their files may not answer. */
  static constexpr std::chrono::seconds kBeginBound{10};

  Jobs(std::function<void(std::uint32_t, pid_t)> on_started, std::function<void(JobEnd)> on_ended,
       NetworkListener on_network)
      : system_(System::create(std::move(on_network))),
        on_started_(std::move(on_started)),
        on_ended_(std::move(on_ended)) {}
  Jobs& operator=(Jobs&&) = delete;
  ~Jobs() { shut_down(); }

  System& system() noexcept { return *system_; }

  /** Comes before the first job. */
  Status start();
  [[nodiscard]] bool is_started() const noexcept { return waiter_ != nullptr; }
  /** Makes the pipes of its command that need no waiting. */
  Result<StdioEnds> prepare(const JobRequest& request);
  /**
   * Begins a job of a plan or of an envelope. Never waits. Returns the budget of its command's output, if there is one.
   */
  SharedStdioBudget begin(SharedPlan plan, std::shared_ptr<Envelope> envelope, JobRequest request, StdioEnds ends);
  /** Null when the job is over. Any thread. */
  std::shared_ptr<Job> find(std::uint32_t job);
  /** Closes everything, and waits for it. No job begins any more. A second call does nothing. */
  void shut_down();

  // Any thread.

  Result<std::shared_ptr<Envelope>> open(SharedPlan plan, const std::string& id, const Copying& copying);
  CloseReport close(const std::shared_ptr<Envelope>& envelope);
  /**
   * SIGKILL to every process inside, and to each command that has begun, even if a thread has not launched it yet.
   * ETIMEDOUT if such a command is not launched in time.
   */
  Status kill_all(Envelope& envelope);
  Waiter& waiter() noexcept { return *waiter_; }
  WorkerThreads& closing_threads() noexcept { return closing_threads_; }
  void tell_started(std::uint32_t job, pid_t pid) const { on_started_(job, pid); }
  void tell_ended(JobEnd end);

 private:
  void begin_on_a_thread(std::shared_ptr<Job> job, std::uint32_t number, const Envelope* envelope);
  void make_ends_ready();

  std::unique_ptr<System> system_;
  std::function<void(std::uint32_t, pid_t)> on_started_;
  std::function<void(JobEnd)> on_ended_;
  std::shared_ptr<Waiter> waiter_;
  ReadyEnds ready_ends_;

  std::mutex mutex_;
  std::condition_variable opened_;
  std::set<std::shared_ptr<Envelope>> envelopes_;
  std::map<std::uint32_t, std::shared_ptr<Job>> jobs_;
  std::condition_variable begun_;
  /** Jobs on their way to an open envelope on a thread: by number, the envelope. */
  std::map<std::uint32_t, const Envelope*> beginning_;
  std::size_t opening_ = 0;
  bool is_shut_down_ = false;
  /** The last members, because their work needs the others. */
  WorkerThreads threads_{opened_at_once(), opened_at_once() + kMostHeldUp};
  WorkerThreads closing_threads_{kMostClosing, kMostClosing + kMostClosingLong};
};

}  // namespace buildjail
