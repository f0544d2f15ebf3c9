#pragma once

#include <algorithm>
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

#include "base/result.h"
#include "envelope/job.h"
#include "envelope/system.h"
#include "envelope/worker_threads.h"
#include "launch/stdio_ends.h"
#include "launch/waiter.h"

namespace buildjail {

/** The jobs and the open envelopes of one JavaScript environment, and the threads they go to. */
class Jobs {
 public:
  /** One less than there are processors: the event loop would wait for its turn among more. */
  static std::size_t opened_at_once() { return std::max<std::size_t>(2, std::thread::hardware_concurrency()) - 1; }
  /** The most openings that wait for a file server and the like. */
  static constexpr std::size_t kMostHeldUp = 8;
  /** A close mostly waits, and may have to for a process that does not end. */
  static constexpr std::size_t kMostClosing = 8;

  Jobs(std::function<void(std::uint32_t, pid_t)> on_started, std::function<void(JobEnd)> on_ended)
      : system_(System::create()), on_started_(std::move(on_started)), on_ended_(std::move(on_ended)) {}
  Jobs& operator=(Jobs&&) = delete;
  ~Jobs() { shut_down(); }

  System& system() noexcept { return *system_; }

  /** Comes before the first job. */
  Status start();
  [[nodiscard]] bool is_started() const noexcept { return waiter_ != nullptr; }
  /** Makes the pipes of its command that need no waiting. */
  Result<StdioEnds> prepare(const JobRequest& request);
  /** Begins a job of a plan, or of an envelope. Never waits. Returns the budget of its command's output, if any. */
  SharedStdioBudget begin(SharedPlan plan, std::shared_ptr<Envelope> envelope, JobRequest request, StdioEnds ends);
  /** Null when the job is over. Any thread. */
  std::shared_ptr<Job> find(std::uint32_t job);
  /** Closes everything, and waits for it; nothing begins any more. Again: nothing is left to do. */
  void shut_down();

  // Any thread.

  Result<std::shared_ptr<Envelope>> open(SharedPlan plan, const std::string& id);
  CloseReport close(const std::shared_ptr<Envelope>& envelope);
  Waiter& waiter() noexcept { return *waiter_; }
  WorkerThreads& closing_threads() noexcept { return closing_threads_; }
  void tell_started(std::uint32_t job, pid_t pid) const { on_started_(job, pid); }
  void tell_ended(JobEnd end);

 private:
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
  std::size_t opening_ = 0;
  bool is_shut_down_ = false;
  /** The last members, because their work needs the others. */
  WorkerThreads threads_{opened_at_once(), opened_at_once() + kMostHeldUp};
  WorkerThreads closing_threads_{kMostClosing, kMostClosing};
};

}  // namespace buildjail
