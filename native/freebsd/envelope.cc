#include "freebsd/envelope.h"

#include <cerrno>
#include <csignal>
#include <utility>
#include <variant>

#include "envelope/commands.h"
#include "envelope/output.h"
#include "envelope/session_directory.h"
#include "envelope/session_errors.h"
#include "envelope/state_entry.h"
#include "freebsd/jail_parameters.h"
#include "freebsd/launch.h"
#include "freebsd/parts/devfs.h"
#include "freebsd/parts/dying_jail.h"
#include "freebsd/parts/jail_part.h"
#include "freebsd/parts/nullfs.h"
#include "freebsd/parts/procfs.h"
#include "freebsd/parts/root.h"
#include "freebsd/parts/seal.h"
#include "freebsd/parts/skeleton.h"
#include "freebsd/parts/tmpfs.h"
#include "freebsd/processes.h"
#include "freebsd/recovery.h"

namespace buildjail {

namespace {

template <class... Calls>
struct Overloaded : Calls... {
  using Calls::operator()...;
};
template <class... Calls>
Overloaded(Calls...) -> Overloaded<Calls...>;

}  // namespace

Result<std::unique_ptr<Envelope>> JailEnvelope::open(SharedPlan plan, const std::string& id,
                                                     std::shared_ptr<Waiter> waiter, std::shared_ptr<FreebsdHost> host,
                                                     Trace trace) {
  // Not make_unique: the constructor is private, as a half-opened envelope is nothing to have.
  std::unique_ptr<JailEnvelope> envelope(
      new JailEnvelope(std::move(plan), id, std::move(waiter), std::move(host), std::move(trace)));
  auto parts = envelope->parts(envelope->plan_->steps, false);
  auto status = envelope->walk_.open(std::move(parts), envelope->journal_, envelope->trace_);
  if (!status) return std::move(status.error());
  envelope->is_complete_ = !envelope->plan_->is_base;
  return std::unique_ptr<Envelope>(std::move(envelope));
}

JailEnvelope::JailEnvelope(SharedPlan plan, std::string id, std::shared_ptr<Waiter> waiter,
                           std::shared_ptr<FreebsdHost> host, Trace trace)
    : plan_(std::move(plan)),
      set_groups_(plan_->user.gid, plan_->user.groups),
      id_(std::move(id)),
      waiter_(std::move(waiter)),
      host_(std::move(host)),
      owner_(waiter_->new_owner()),
      trace_(std::move(trace)),
      jail_{.root = root_of(plan_->state_directory, id_),
            .user = plan_->user.uid,
            .wait_reaped = [this](std::chrono::milliseconds bound) { return waiter_->wait_reaped(owner_, bound); }},
      journal_(journal_of(plan_->state_directory, id_)) {}

Parts JailEnvelope::parts(const std::vector<Step>& steps, bool is_rest) {
  const bool is_sealed = is_rest || !plan_->is_base;
  Parts parts;
  if (!is_rest) {
    parts.push_back(std::make_unique<DyingJail>(jail_));
    parts.push_back(std::make_unique<StateEntry>(journal_, id_, plan_->name));
    parts.push_back(std::make_unique<SessionDirectory>(jail_.root));
  }
  add_outputs(steps, parts);
  if (!is_rest) parts.push_back(std::make_unique<Root>(jail_));
  add_steps(steps, parts);
  if (is_sealed) parts.push_back(std::make_unique<Seal>(*plan_, id_, jail_.root, binds(), host_->mounted));
  if (!is_rest) parts.push_back(std::make_unique<JailPart>(jail_, *plan_, id_, host_->abilities));
  if (is_sealed)
    parts.push_back(std::make_unique<Commands>([this](Trace& trace) { return jail_.end_processes(trace); }));
  return parts;
}

void JailEnvelope::add_outputs(const std::vector<Step>& steps, Parts& parts) {
  for (const Step& step : steps) {
    const auto* const bind = std::get_if<Bind>(&step);
    if (bind == nullptr || !bind->is_writable) continue;
    auto lease = std::make_unique<OutputLease>(plan_->state_directory, id_, *bind, recovery_of(plan_->state_directory));
    auto lent = std::make_unique<LentDirectory>(*lease, plan_->user);
    leases_.emplace(bind, lease.get());
    parts.push_back(std::move(lease));
    parts.push_back(std::move(lent));
  }
}

void JailEnvelope::add_steps(const std::vector<Step>& steps, Parts& parts) {
  const auto skeleton = [this](const auto& one) { return std::make_unique<Skeleton>(jail_.root, &one); };
  using Made = std::unique_ptr<Part>;
  const Overloaded part_of{
      [&](const MakeDirectory& one) -> Made { return skeleton(one); },
      [&](const MakeFile& one) -> Made { return skeleton(one); },
      [&](const MakeLink& one) -> Made { return skeleton(one); },
      [this](const MountTmpfs& one) -> Made { return std::make_unique<Tmpfs>(jail_, one); },
      [this](const MountProc& one) -> Made { return std::make_unique<Procfs>(jail_, one); },
      [this](const MountDev& one) -> Made { return std::make_unique<Devfs>(jail_, one, host_->devfs_ruleset); },
      [this](const Bind& one) -> Made {
        const auto lease = leases_.find(&one);
        return std::make_unique<Nullfs>(jail_, one, lease == leases_.end() ? nullptr : lease->second, nullfs_ids_);
      }};
  for (const Step& step : steps) parts.push_back(std::visit(part_of, step));
}

std::vector<const Bind*> JailEnvelope::binds() const {
  std::vector<const Bind*> binds;
  for (const auto* steps : {&plan_->steps, &rest_}) {
    for (const Step& step : *steps) {
      if (const auto* bind = std::get_if<Bind>(&step)) binds.push_back(bind);
    }
  }
  return binds;
}

Status JailEnvelope::complete(std::vector<Step> rest) {
  // Nothing of it is taken away meanwhile.
  const std::lock_guard not_closing(closing_);
  const std::lock_guard lock(launching_);
  if (is_closed_) return session_closed("complete", "nmount");
  if (is_complete_ || !rest_.empty()) return session_complete("complete", "nmount");
  rest_ = std::move(rest);
  trace_.resume();
  auto status = walk_.add(parts(rest_, true), journal_, trace_);
  is_complete_ = static_cast<bool>(status);
  return status;
}

Status JailEnvelope::launch(Launching launching) {
  auto& [request, ends, listener] = launching;
  const std::lock_guard lock(launching_);
  if (is_closed_) return session_closed("launch", "jail_attach");
  if (!is_complete_) return session_incomplete("launch", "jail_attach");
  if (auto status = ends.open_files(request.stdio); !status) return status;
  const auto stdio = ends.numbers();
  const auto signal = [](pid_t pid, int sent) { return pid > 0 && ::kill(-pid, sent) == 0; };
  Child child{.run = request.run, .owner = owner_, .streams = {}, .listener = std::move(listener), .signal = signal};
  if (auto status = waiter_->expect(std::move(child), request, ends); !status) return status;
  auto launched = launch_in_jail(jail_.jail->reference(), plan_->user, set_groups_, request, stdio);
  if (!launched) {
    waiter_->forget(request.run);
    return std::move(launched.error());
  }
  std::erase_if(jail_.sockets, [](const auto& socket) { return socket.expired(); });
  jail_.sockets.insert(jail_.sockets.end(), ends.sockets.begin(), ends.sockets.end());
  last_launched_ = std::move(launched->who);
  waiter_->found_pid(request.run, launched->pid);
  if (request.tells_started) waiter_->started(request.run);
  return waiter_->watch_process(request.run, launched->pid);
}

Status JailEnvelope::signal_tree(std::uint32_t run, int signal) {
  const std::lock_guard lock(launching_);
  if (is_closed_) return {};
  // First the command, so that its end is by the signal and not by what it makes of the end of its children.
  const pid_t command = waiter_->pid_of(run).value_or(0);
  if (command > 0) static_cast<void>(::kill(command, signal));
  // A build can fork faster than this looks; what then is left ends with its session.
  constexpr int kMostLooks = 50;
  for (int look = 0; look < kMostLooks && jail_.jail->has_its_number(); ++look) {
    auto found = signal_each_in(jail_.jail->jid(), {.login_class = login_class_of(run), .except = command}, signal);
    if (!found) return std::move(found.error());
    if (*found == 0 || signal != SIGKILL) break;
  }
  return {};
}

Status JailEnvelope::kill_all() {
  const std::lock_guard lock(launching_);
  return is_closed_ ? Status() : kill_in_jail(*jail_.jail);
}

Result<Record> JailEnvelope::record() {
  const std::lock_guard lock(launching_);
  if (is_closed_) return session_closed("record", "jail_get", ENOENT);
  Record record{.root = jail_.root, .jail = {}, .mounts = {}, .namespaces = {}, .process = last_launched_};
  auto jail = get_jail(jail_.jail->jid());
  if (!jail) return std::move(jail.error());
  // By its number, which is another jail's if somebody removed ours.
  if (!jail_.is_known()) {
    errno = ENOENT;
    return last_error("record", "jail_get", jail_.root);
  }
  record.jail = std::move(*jail);
  auto table = mount_table();
  if (!table) return std::move(table.error());
  for (auto& entry : *table) {
    if (entry.on == record.root || entry.on.starts_with(record.root + "/")) record.mounts.push_back(std::move(entry));
  }
  return record;
}

CloseReport JailEnvelope::close() {
  const std::lock_guard only_one(closing_);
  {
    const std::lock_guard no_launch(launching_);
    is_closed_ = true;
  }
  return walk_.take_away();
}

}  // namespace buildjail
