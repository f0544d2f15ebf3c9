#include "linux/envelope.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <utility>

#include "envelope/commands.h"
#include "envelope/session_errors.h"
#include "envelope/state_entry.h"
#include "linux/init/lent_message.h"
#include "linux/launch.h"
#include "linux/parts/init.h"
#include "linux/parts/network.h"
#include "linux/parts/rest.h"
#include "linux/parts/watched_output.h"
#include "linux/proc_files.h"
#include "linux/recovery.h"

namespace buildjail {

namespace {

SysError too_many(const std::string& source) {
  return {.step = "output-lease",
          .syscall = "sendmsg",
          .err = E2BIG,
          .path = source,
          .dest = {},
          .detail = "a session has " + std::to_string(kMostLent) + " outputs at most"};
}

/** Whom a lent output belongs to, in the host's numbering. */
BuildUser build_user_outside(const BuildUser& user) {
  return needs_user_namespace() ? BuildUser{.uid = ::geteuid(), .gid = ::getegid(), .groups = {}} : user;
}

/**
 * /dev/stdout leads to the pipe itself, which is opened there anew: by its owner only, as pipes have mode 0600
 * (proc(5), /proc/pid/fd). That the build user is, for what was made for it; in a user namespace it is already.
 */
Status give_pipes(const LaunchRequest& request, const StdioEnds& ends, const BuildUser& user) {
  if (needs_user_namespace()) return {};
  for (std::size_t i = 0; i < ends.child.size(); ++i) {
    const StdioKind kind = request.stdio.at(i).kind;
    if (kind != StdioKind::kPipe && kind != StdioKind::kCapture) continue;
    if (::fchown(ends.child.at(i).get(), user.uid, user.gid) != 0) return last_error("stdio", "fchown");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Envelope>> NamespaceEnvelope::open(SharedPlan plan, const std::string& id,
                                                          std::shared_ptr<ExitWaiter> waiter,
                                                          std::shared_ptr<LinuxHost> host, Trace trace) {
  // Not make_unique: the constructor is private, as a half-opened envelope is nothing to have.
  std::unique_ptr<NamespaceEnvelope> envelope(
      new NamespaceEnvelope(std::move(plan), id, std::move(waiter), std::move(host), std::move(trace)));
  auto parts = envelope->parts(envelope->plan_->steps, false);
  if (!parts) return std::move(parts.error());
  auto status = envelope->walk_.open(std::move(*parts), envelope->journal_, envelope->trace_);
  if (!status) return std::move(status.error());
  envelope->is_complete_ = !envelope->plan_->is_base;
  return std::unique_ptr<Envelope>(std::move(envelope));
}

NamespaceEnvelope::NamespaceEnvelope(SharedPlan plan, std::string id, std::shared_ptr<ExitWaiter> waiter,
                                     std::shared_ptr<LinuxHost> host, Trace trace)
    : plan_(std::move(plan)),
      id_(std::move(id)),
      waiter_(std::move(waiter)),
      host_(std::move(host)),
      owner_(reinterpret_cast<std::uintptr_t>(this)),
      trace_(std::move(trace)),
      journal_(journal_of(plan_->state_directory, id_)) {}

Result<Parts> NamespaceEnvelope::parts(const std::vector<Step>& steps, bool is_rest) {
  Parts parts;
  if (!is_rest) parts.push_back(std::make_unique<StateEntry>(journal_, id_, plan_->name));
  std::vector<const OutputLease*> outputs;
  for (const Step& step : steps) {
    const auto* const bind = std::get_if<Bind>(&step);
    if (bind == nullptr || !bind->is_writable) continue;
    if (output_count_++ == kMostLent) return too_many(bind->source);
    auto lease =
        std::make_unique<OutputLease>(plan_->state_directory, id_, *bind, recovery_of(plan_->state_directory));
    outputs.push_back(lease.get());
    parts.push_back(std::move(lease));
  }
  if (is_rest) {
    parts.push_back(std::make_unique<Rest>(inside_, steps));
  } else {
    auto network = std::make_unique<NetworkPart>(*plan_, host_->networks, outputs);
    auto init = std::make_unique<InitPart>(inside_, *plan_, id_, *host_, *network);
    parts.push_back(std::move(network));
    parts.push_back(std::move(init));
  }
  // Not before there is an init, which hands them back should this process be killed.
  for (const OutputLease* const output : outputs)
    parts.push_back(
        std::make_unique<WatchedOutput>(inside_, *output, plan_->user, build_user_outside(plan_->user)));
  if (is_rest || !plan_->is_base)
    parts.push_back(std::make_unique<Commands>([this](Trace& trace) { return inside_.end_processes(trace); }));
  return parts;
}

Status NamespaceEnvelope::complete(std::vector<Step> rest) {
  const std::lock_guard not_closing(closing_);
  const auto inside = namespaces();
  if (!inside) return session_closed("complete", "setns");
  if (is_complete() || !rest_.empty()) return session_complete("complete", "setns");
  host_->networks.give_way();
  trace_.resume();
  rest_ = std::move(rest);
  auto more = parts(rest_, true);
  if (!more) return std::move(more.error());
  auto status = walk_.add(std::move(*more), journal_, trace_);
  // As after a launch.
  if (host_->is_dumpable) static_cast<void>(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
  if (!status) return status;
  const std::lock_guard lock(mutex_);
  is_complete_ = true;
  return {};
}

std::shared_ptr<Namespaces> NamespaceEnvelope::namespaces() {
  const std::lock_guard lock(mutex_);
  return is_closed_ ? nullptr : inside_.get();
}

bool NamespaceEnvelope::is_complete() {
  const std::lock_guard lock(mutex_);
  return is_complete_;
}

Result<pid_t> NamespaceEnvelope::launch(LaunchRequest request, StdioEnds ends) {
  const auto inside = namespaces();
  if (!inside) return session_closed("launch", "setns");
  if (!is_complete()) return session_incomplete("launch", "setns");
  host_->networks.give_way();
  if (auto status = ends.open_files(request.stdio); !status) return std::move(status.error());
  if (auto status = give_pipes(request, ends, plan_->user); !status) return std::move(status.error());
  auto launched = launch_in_namespaces(*inside, plan_->user, request, ends);
  // The child changed its ids while it shared our memory, and with that whether that memory may be dumped.
  if (host_->is_dumpable) static_cast<void>(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
  if (!launched && !namespaces()) return session_closed("launch", "setns");
  if (!launched) return std::move(launched.error());
  const pid_t pid = launched->pid;
  {
    const std::lock_guard lock(mutex_);
    last_launched_ = std::move(launched->who);
  }
  // The session then comes to its end while the news of the exit is still on its way.
  std::function<void()> when_exited;
  if (request.is_last) when_exited = [inside] { static_cast<void>(inside->tell_to_end()); };
  auto status = waiter_->adopt(pid, owner_, request, ends, std::move(when_exited));
  if (!status) return std::move(status.error());
  return pid;
}

Status NamespaceEnvelope::kill_all() {
  const auto inside = namespaces();
  const std::lock_guard one_at_a_time(killing_);
  return inside ? inside->kill_all() : Status();
}

Result<Record> NamespaceEnvelope::record() {
  // Not while it is being closed: init's pid is its own only until it was waited for.
  const std::lock_guard not_closing(closing_);
  const auto inside = namespaces();
  if (!inside) return session_closed("record", "open", ENOENT);
  Record record{.root = "/proc/" + std::to_string(inside->init()) + "/root",
                .jail = {},
                .mounts = {},
                .namespaces = {},
                .process = {}};
  auto mounts = mounts_of(inside->init(), record.root);
  if (!mounts) return std::move(mounts.error());
  record.mounts = std::move(*mounts);
  auto numbers = namespaces_of(inside->init());
  if (!numbers) return std::move(numbers.error());
  record.namespaces = std::move(*numbers);
  const std::lock_guard lock(mutex_);
  record.process = last_launched_;
  return record;
}

void NamespaceEnvelope::begin_close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  // Again when closing for good, where it is told if it failed.
  if (const auto inside = inside_.get()) static_cast<void>(inside->tell_to_end());
}

CloseReport NamespaceEnvelope::close() {
  const std::lock_guard only_one(closing_);
  host_->networks.give_way();
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
  }
  return walk_.take_away();
}

}  // namespace buildjail
