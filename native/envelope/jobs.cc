#include "envelope/jobs.h"

#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/tolerated.h"

namespace buildjail {

SharedStdioBudget Job::begin_to_count() {
  if (!request_.command || request_.command->limits.stdio == 0) return nullptr;
  ends_.budget = std::make_shared<StdioBudget>(request_.command->limits.stdio, [job = weak_from_this()] {
    const auto writer = job.lock();
    if (!writer) return;
    {
      const std::lock_guard lock(writer->mutex_);
      writer->is_over_stdio_ = true;
    }
    static_cast<void>(writer->send(SIGKILL, Whom::kTree));
  });
  return ends_.budget;
}

bool Job::begins_at_once() const {
  return plan_ == nullptr && !request_.rest && request_.command && !request_.command->opens_files() &&
         envelope_->launches_at_once();
}

void Job::begin() {
  if (auto status = open(); !status) return give_up(std::move(status.error()));
  if (request_.rest) {
    auto status = caught("complete", [this] { return envelope_->complete(std::move(*request_.rest), copying_); });
    if (!status) return give_up(std::move(status.error()));
  }
  if (!request_.command) return request_.closes ? close() : settle();
  if (auto status = launch(); !status) return give_up(std::move(status.error()));
}

void Job::settle() {
  auto status = caught("open", [this] { return envelope_->settle(); });
  if (status) return tell();
  std::shared_ptr<Envelope> failed;
  {
    // As in open().
    const std::lock_guard lock(mutex_);
    if (has_opened_) failed.swap(envelope_);
  }
  if (failed) static_cast<void>(jobs_.close(failed));
  give_up(std::move(status.error()));
}

Status Job::open() {
  if (plan_ == nullptr) return {};
  auto opened = jobs_.open(std::exchange(plan_, nullptr), request_.id, copying_);
  if (!opened) return std::move(opened.error());
  // Another thread may ask for its usage.
  const std::lock_guard lock(mutex_);
  envelope_ = std::move(*opened);
  return {};
}

Status Job::launch() {
  const auto self = shared_from_this();
  CommandListener listener{
      .started = {}, .dead = {}, .ended = [self](Result<Exit> exit) { self->take(std::move(exit)); }};
  if (request_.command->tells_started)
    listener.started = [self](pid_t pid) { self->jobs_.tell_started(self->request_.number, pid); };
  if (request_.closes) {
    listener.dead = [self] {
      {
        const std::lock_guard lock(self->mutex_);
        self->end_.died = std::chrono::steady_clock::now();
      }
      self->close_on_a_thread();
    };
  }
  limits_ = request_.command->limits;
  met_before_ = envelope_->limits_met();
  auto status = caught("launch", [&] {
    return envelope_->launch(
        {.request = std::move(*request_.command), .ends = std::move(ends_), .listener = std::move(listener)});
  });
  std::optional<std::vector<std::pair<int, Whom>>> early;
  std::optional<winsize> early_size;
  {
    const std::lock_guard lock(mutex_);
    early = std::exchange(early_, std::nullopt);
    early_size = early_size_;
  }
  if (!status) return status;
  if (early_size) static_cast<void>(jobs_.waiter().mover().resize(request_.number, *early_size));
  for (const auto& [signal, whom] : *early) static_cast<void>(send(signal, whom));
  return status;
}

bool Job::signal(int signal, Whom whom) {
  {
    const std::lock_guard lock(mutex_);
    if (end_.failure || end_.exit) return false;
    if (!request_.command) {
      stop_opening();
      return true;
    }
    signals_.push_back(signal);
    if (early_) {
      early_->emplace_back(signal, whom);
      return true;
    }
  }
  return send(signal, whom);
}

bool Job::resize(const winsize& size) {
  {
    const std::lock_guard lock(mutex_);
    if (end_.failure || end_.exit) return false;
    if (early_) {
      early_size_ = size;
      return true;
    }
  }
  return jobs_.waiter().mover().resize(request_.number, size);
}

Result<SessionUsage> Job::usage() {
  std::shared_ptr<Envelope> opened;
  {
    const std::lock_guard lock(mutex_);
    opened = envelope_;
  }
  return opened ? opened->usage() : SessionUsage();
}

bool Job::send(int signal, Whom whom) {
  if (whom == Whom::kGroup) return jobs_.waiter().signal(request_.number, signal);
  {
    const std::lock_guard lock(mutex_);
    is_tree_ending_ = true;
  }
  signal_tree(signal, false);
  return true;
}

void Job::signal_tree(int signal, bool then_tells) {
  jobs_.closing_threads().run_in_turn(envelope_.get(), [self = shared_from_this(), signal, then_tells] {
    static_cast<void>(caught("kill", [&] { return self->envelope_->signal_tree(self->request_.number, signal); }));
    if (then_tells) self->tell();
  });
}

void Job::close_on_a_thread() {
  jobs_.closing_threads().run([self = shared_from_this()] { self->close(); });
}

std::optional<Limit> Job::limit_met(const Ending& ending, const std::vector<int>& signals) {
  // Finding out which limits the session has met takes a look at files.
  if (WIFEXITED(ending.status) && WEXITSTATUS(ending.status) == 0) return std::nullopt;
  // If the caller's signal ended the command, a limit that its neighbours met did not.
  const bool is_callers =
      WIFSIGNALED(ending.status) && std::ranges::find(signals, WTERMSIG(ending.status)) != signals.end();
  const auto met = ended_by(ending, limits_, met_before_, is_callers ? met_before_ : envelope_->limits_met());
  if (met || is_callers) return met;
  return request_.closes ? full_tmp_ : envelope_->full_tmp();
}

void Job::give_up(SysError failure) {
  {
    const std::lock_guard lock(mutex_);
    end_.failure = std::move(failure);
  }
  if (request_.closes && envelope_) return close();
  tell();
}

void Job::take(Result<Exit> exit) {
  const bool has_run = static_cast<bool>(exit);
  bool is_tree_ending = false;
  {
    const std::lock_guard lock(mutex_);
    is_tree_ending = is_tree_ending_;
    if (has_run) end_.exit = std::move(*exit);
    if (!has_run) end_.failure = std::move(exit.error());
    // Closing reports the end, and has begun if the command was dead.
    if (request_.closes && has_run && !is_closed_) return;
  }
  // A process of the command may have outlived the signal that ended the command.
  if (!request_.closes && is_tree_ending) return signal_tree(SIGKILL, true);
  // A debugger may have kept the command from being waited for, and so from ending here.
  if (request_.closes && (!has_run || !report_.failures.empty())) return close_on_a_thread();
  tell();
}

void Job::close() {
  // How the command ended is not known yet.
  if (const auto full = request_.command ? envelope_->full_tmp() : std::nullopt) full_tmp_ = full;
  report_ = jobs_.close(envelope_);
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    // The report is sent by the function that takes the exit.
    if (request_.command && !end_.exit && !end_.failure) return;
  }
  tell();
}

void Job::tell() {
  std::unique_lock lock(mutex_);
  // A job that was moved from still says that it is over.
  JobEnd end = std::move(end_);
  const bool is_over_stdio = is_over_stdio_;
  const auto signals = std::move(signals_);
  lock.unlock();
  // Also if the command had written all of it before it could be counted, and succeeded.
  if (end.exit) end.limit = is_over_stdio ? Limit::kStdio : limit_met(end.exit->ending, signals);
  const bool is_left = request_.closes ? !report_.failures.empty() : has_opened_;
  if (is_left) end.envelope = envelope_;
  if (request_.tells_steps && has_opened_ && envelope_) end.opened = envelope_->trace();
  if (request_.closes && (is_left || request_.tells_steps || !report_.taken.left_in_outputs.empty()))
    end.closed = std::move(report_);
  jobs_.tell_ended(std::move(end));
  if (request_.closes && envelope_) envelope_->let_go();
}

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
  StdioEnds ends;
  {
    const std::lock_guard lock(mutex_);
    ends = ready_ends_.take(request.command->stdio);
  }
  if (auto status = ends.make_pipes(request.command->stdio); !status) return std::move(status.error());
  return ends;
}

SharedStdioBudget Jobs::begin(SharedPlan plan, std::shared_ptr<Envelope> envelope, JobRequest request, StdioEnds ends) {
  const std::uint32_t number = request.number;
  const Envelope* const open = envelope.get();
  auto job = std::make_shared<Job>(*this, std::move(plan), std::move(envelope), std::move(request), std::move(ends));
  SharedStdioBudget budget = job->begin_to_count();
  {
    const std::lock_guard lock(mutex_);
    jobs_.insert_or_assign(number, job);
  }
  if (job->begins_at_once())
    job->begin();
  else
    begin_on_a_thread(std::move(job), number, open);
  return budget;
}

void Jobs::begin_on_a_thread(std::shared_ptr<Job> job, std::uint32_t number, const Envelope* envelope) {
  {
    const std::lock_guard lock(mutex_);
    beginning_.insert_or_assign(number, envelope);
  }
  threads_.run([this, number, job = std::move(job)] {
    job->begin();
    const std::lock_guard lock(mutex_);
    beginning_.erase(number);
    begun_.notify_all();
  });
}

Status Jobs::kill_all(Envelope& envelope) {
  std::set<std::uint32_t> awaited;
  bool are_there = false;
  {
    std::unique_lock lock(mutex_);
    for (const auto& [number, in] : beginning_) {
      if (in == &envelope) awaited.insert(number);
    }
    const auto has_begun = [&](std::uint32_t number) { return !beginning_.contains(number); };
    // A command that was launched after the signal would run on.
    // defence: killed-also-on-its-way
    are_there =
        begun_.wait_for(lock, kBeginBound, [&] { return is_shut_down_ || std::ranges::all_of(awaited, has_begun); });
  }
  auto status = envelope.kill_all();
  if (!status || are_there) return status;
  return SysError{.step = "kill", .syscall = "launch", .err = ETIMEDOUT, .detail = "a command is not launched yet"};
}

std::shared_ptr<Job> Jobs::find(std::uint32_t job) {
  const std::lock_guard lock(mutex_);
  const auto at = jobs_.find(job);
  return at == jobs_.end() ? nullptr : at->second;
}

Result<std::shared_ptr<Envelope>> Jobs::open(SharedPlan plan, const std::string& id, const Copying& copying) {
  {
    const std::lock_guard lock(mutex_);
    if (is_shut_down_) return SysError{.step = "open", .syscall = "open", .err = ECANCELED};
    opening_ += 1;
  }
  auto opened = caught("open", [&] { return system_->open(std::move(plan), id, waiter_, copying); });
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
  // While JavaScript handles the report, so that a next command finds its pipes made.
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
    for (const auto& [number, job] : jobs_) job->stop_opening();
    begun_.notify_all();
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
