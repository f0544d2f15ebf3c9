#include "envelope/job.h"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "base/result.h"
#include "envelope/jobs.h"
#include "envelope/record.h"

namespace buildjail {

SharedStdioBudget Job::begin_to_count() {
  if (!request_.command || request_.command->limits.stdio == 0) return nullptr;
  ends_.budget = std::make_shared<StdioBudget>(request_.command->limits.stdio, [job = weak_from_this()] {
    if (const auto writer = job.lock()) writer->end_for_output();
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
    auto status = caught("complete", [this] { return envelope_->complete(std::move(*request_.rest)); });
    if (!status) return give_up(std::move(status.error()));
  }
  if (!request_.command) return request_.closes ? close() : tell();
  if (auto status = launch(); !status) return give_up(std::move(status.error()));
}

Status Job::open() {
  if (plan_ == nullptr) return {};
  auto opened = jobs_.open(std::exchange(plan_, nullptr), request_.id);
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
  if (request_.closes) listener.dead = [self] { self->begin_to_close(); };
  limits_ = request_.command->limits;
  met_before_ = envelope_->limits_met();
  auto status = caught("launch", [&] {
    return envelope_->launch(
        {.request = std::move(*request_.command), .ends = std::move(ends_), .listener = std::move(listener)});
  });
  std::optional<std::vector<std::pair<int, Whom>>> early;
  std::optional<TerminalSize> early_size;
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
    if (failure_ || exit_) return false;
    signals_.push_back(signal);
    if (early_) {
      early_->emplace_back(signal, whom);
      return true;
    }
  }
  return send(signal, whom);
}

bool Job::resize(TerminalSize size) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_ || exit_) return false;
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
  jobs_.closing_threads().run([self = shared_from_this(), signal, then_tells] {
    static_cast<void>(caught("kill", [&] { return self->envelope_->signal_tree(self->request_.number, signal); }));
    if (then_tells) self->tell();
  });
}

void Job::close_on_a_thread() {
  jobs_.closing_threads().run([self = shared_from_this()] { self->close(); });
}

void Job::end_for_output() {
  {
    const std::lock_guard lock(mutex_);
    is_over_stdio_ = true;
  }
  static_cast<void>(send(SIGKILL, Whom::kTree));
}

std::optional<Limit> Job::limit_met(const Ending& ending, const std::vector<int>& signals) {
  // To ask what the session has met takes a look at files.
  if (WIFEXITED(ending.status) && WEXITSTATUS(ending.status) == 0) return std::nullopt;
  // A command that ended by what its caller sent it did not end by what its neighbours met.
  const bool is_callers =
      WIFSIGNALED(ending.status) && std::ranges::find(signals, WTERMSIG(ending.status)) != signals.end();
  return ended_by(ending, limits_, met_before_, is_callers ? met_before_ : envelope_->limits_met());
}

void Job::give_up(SysError failure) {
  {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
  }
  if (request_.closes && envelope_) return close();
  tell();
}

void Job::begin_to_close() {
  {
    const std::lock_guard lock(mutex_);
    died_ = std::chrono::steady_clock::now();
  }
  close_on_a_thread();
}

void Job::take(Result<Exit> exit) {
  const bool has_run = static_cast<bool>(exit);
  bool is_tree_ending = false;
  {
    const std::lock_guard lock(mutex_);
    is_tree_ending = is_tree_ending_;
    if (has_run) exit_ = std::move(*exit);
    if (!has_run) failure_ = std::move(exit.error());
    // What closes tells, and has begun with it when the command was dead.
    if (request_.closes && has_run && !is_closed_) return;
  }
  // Something of it may have outlived the signal that ended the command.
  if (!request_.closes && is_tree_ending) return signal_tree(SIGKILL, true);
  // The command stood in the way itself, where a debugger kept it from being waited for.
  if (request_.closes && (!has_run || !report_.failures.empty())) return close_on_a_thread();
  tell();
}

void Job::close() {
  report_ = jobs_.close(envelope_);
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    // The one that takes the exit tells.
    if (request_.command && !exit_ && !failure_) return;
  }
  tell();
}

void Job::tell() {
  JobEnd end{.number = request_.number, .id = request_.id};
  bool is_over_stdio = false;
  std::vector<int> signals;
  {
    const std::lock_guard lock(mutex_);
    end.failure = std::move(failure_);
    end.exit = std::move(exit_);
    end.died = died_;
    is_over_stdio = is_over_stdio_;
    signals = std::move(signals_);
  }
  // Also of one that had written all of it before anybody could count, and succeeded.
  if (end.exit) end.limit = is_over_stdio ? Limit::kStdio : limit_met(end.exit->ending, signals);
  const bool is_left = request_.closes ? !report_.failures.empty() : has_opened_;
  if (is_left) end.envelope = envelope_;
  if (request_.tells_steps && has_opened_ && envelope_) end.opened = envelope_->trace();
  if (request_.closes && (is_left || request_.tells_steps || !report_.taken.left_in_outputs.empty()))
    end.closed = std::move(report_);
  jobs_.tell_ended(std::move(end));
}

}  // namespace buildjail
