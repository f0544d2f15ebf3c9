#include "envelope/jobs.h"

#include <cerrno>
#include <utility>

#include "base/result.h"
#include "base/tolerated.h"

namespace buildjail {

Status Jobs::start() {
  auto waiter = caught("open", [] { return Waiter::start(); });
  if (!waiter) return std::move(waiter.error());
  for (WorkerThreads* threads : {&threads_, &closing_threads_}) {
    if (auto status = threads->start(); !status) return status;
  }
  waiter_ = std::move(*waiter);
  return {};
}

Result<StdioEnds> Jobs::prepare(const JobRequest& request) {
  if (!request.command) return StdioEnds();
  StdioEnds ends = ready_ends_.take(request.command->stdio);
  if (auto status = ends.make_pipes(request.command->stdio); !status) return std::move(status.error());
  return ends;
}

SharedStdioBudget Jobs::begin(SharedPlan plan, std::shared_ptr<Envelope> envelope, JobRequest request, StdioEnds ends) {
  const std::uint32_t number = request.number;
  auto job = std::make_shared<Job>(*this, std::move(plan), std::move(envelope), std::move(request), std::move(ends));
  SharedStdioBudget budget = job->begin_to_count();
  {
    const std::lock_guard lock(mutex_);
    jobs_.insert_or_assign(number, job);
  }
  if (job->begins_at_once())
    job->begin();
  else
    threads_.run([job = std::move(job)] { job->begin(); });
  return budget;
}

std::shared_ptr<Job> Jobs::find(std::uint32_t job) {
  const std::lock_guard lock(mutex_);
  const auto at = jobs_.find(job);
  return at == jobs_.end() ? nullptr : at->second;
}

Result<std::shared_ptr<Envelope>> Jobs::open(SharedPlan plan, const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    if (is_shut_down_) return SysError{.step = "open", .syscall = "open", .err = ECANCELED};
    opening_ += 1;
  }
  auto opened = caught("open", [&] { return system_->open(std::move(plan), id, waiter_); });
  const std::lock_guard lock(mutex_);
  opening_ -= 1;
  opened_.notify_all();
  if (!opened) return std::move(opened.error());
  std::shared_ptr<Envelope> envelope = std::move(*opened);
  envelopes_.insert(envelope);
  return envelope;
}

CloseReport Jobs::close(const std::shared_ptr<Envelope>& envelope) {
  auto report = envelope->close();
  if (report.failures.empty()) {
    const std::lock_guard lock(mutex_);
    envelopes_.erase(envelope);
    if (envelopes_.empty()) ready_ends_.drop();
  }
  return report;
}

void Jobs::tell_ended(JobEnd end) {
  bool is_next_likely = false;
  {
    const std::lock_guard lock(mutex_);
    jobs_.erase(end.number);
    is_next_likely = end.exit && !end.died && !envelopes_.empty();
  }
  on_ended_(std::move(end));
  // While JavaScript hears of it: the next command, where there is one, finds its pipes made.
  if (is_next_likely) make_ends_ready();
}

void Jobs::make_ends_ready() {
  const Tolerated tolerated("the next command's pipes are then made when it comes");
  auto made = ReadyEnds::make();
  const std::lock_guard lock(mutex_);
  if (made && !envelopes_.empty()) ready_ends_.keep(std::move(*made));
}

void Jobs::shut_down() {
  std::set<std::shared_ptr<Envelope>> left;
  {
    std::unique_lock lock(mutex_);
    is_shut_down_ = true;
    opened_.wait(lock, [this] { return opening_ == 0; });
    left.swap(envelopes_);
    ready_ends_.drop();
  }
  for (const auto& envelope : left) static_cast<void>(envelope->close());
  left.clear();
  threads_.stop();
  closing_threads_.stop();
  system_->shut_down();
  if (waiter_) waiter_->stop();
  const std::lock_guard lock(mutex_);
  jobs_.clear();
}

}  // namespace buildjail
