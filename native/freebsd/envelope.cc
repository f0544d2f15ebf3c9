#include "freebsd/envelope.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "envelope/envelope.h"
#include "freebsd/jail_parameters.h"
#include "freebsd/launch.h"
#include "freebsd/limits.h"
#include "freebsd/mounts.h"
#include "freebsd/parts.h"
#include "freebsd/processes.h"

namespace buildjail {

namespace {

constexpr std::uint64_t kMicroseconds = 1'000'000;

// The kernel looks once a second, and more often where memory is short (vm_daemon in sys/vm/vm_swapout.c); a host that
// is busy as well takes its time for a launch. Whom a build kills is launched again, too, but not for ever.
constexpr int kMoreLaunches = 9;

}  // namespace

Status refuse_overlays(const std::vector<Step>& steps) {
  const auto overlays = overlays_of(steps);
  if (overlays.empty()) return {};
  return SysError{.step = "overlay",
                  .syscall = "nmount",
                  .err = ENOTSUP,
                  .path = overlays.front()->source,
                  .dest = overlays.front()->target,
                  .detail =
                      "FreeBSD has no file system by which a folder could be written to without being changed "
                      "(unionfs(4) is not fit for that)",
                  .remedy = "copy the folder, and give the copy as an output"};
}

Result<std::unique_ptr<Envelope>> JailEnvelope::open(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter,
                                                     std::shared_ptr<FreebsdHost> host, Trace trace) {
  // Not make_unique: the constructor is private, as a half-opened envelope is nothing to have.
  std::unique_ptr<JailEnvelope> envelope(
      new JailEnvelope(std::move(plan), std::move(lessee), std::move(waiter), std::move(host), std::move(trace)));
  auto limits = held_limits(envelope->plan_->limits);
  if (!limits) return std::move(limits.error());
  envelope->limits_ = std::move(*limits);
  if (JailPart::network_of(*envelope->plan_) == JailConfig::Network::kOwn)
    envelope->host_->dying_networks.wait_until_few();
  auto parts = envelope->parts(envelope->plan_->steps, false);
  auto status = envelope->walk_.open(std::move(parts), envelope->journal_, envelope->trace_);
  if (!status) return std::move(status.error());
  envelope->is_complete_ = !envelope->plan_->is_base;
  return std::unique_ptr<Envelope>(std::move(envelope));
}

JailEnvelope::JailEnvelope(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter,
                           std::shared_ptr<FreebsdHost> host, Trace trace)
    : plan_(std::move(plan)),
      jail_name_(JailPart::name_of(*plan_, lessee.session.id)),
      limits_log_(jail_name_),
      set_groups_(plan_->user.gid, plan_->user.groups),
      lessee_(std::move(lessee)),
      waiter_(std::move(waiter)),
      host_(std::move(host)),
      owner_(waiter_->new_owner()),
      trace_(std::move(trace)),
      jail_{.root = root_of(plan_->state_directory, lessee_.session.id),
            .leasable = {.first = plan_->user.uid, .count = plan_->users},
            .wait_reaped = [this](std::chrono::milliseconds bound) { return waiter_->wait_reaped(owner_, bound); }},
      journal_(journal_of(plan_->state_directory, lessee_.session.id)) {}

Parts JailEnvelope::parts(const std::vector<Step>& steps, bool is_rest) {
  nesting_ = is_rest ? nesting_in(steps, plan_->steps) : nesting_in(steps);
  JailOpening opening{
      {.plan = *plan_,
       .steps = steps,
       .nesting = nesting_,
       .is_rest = is_rest,
       .lessee = lessee_,
       .journal = journal_,
       .lent_as = [this] { return lent_as(); },
       .look_at_mounts = [this](std::vector<ShownSource>& sources) { return look_at_mounts(sources, host_->mounted); },
       .end_processes = [this](TakingAway& taking) { return jail_.end_processes(taking); },
       .end_flows = [this](std::chrono::milliseconds bound) { return waiter_->mover().end(owner_, bound); },
       .root = jail_.root},
      jail_,
      *host_,
      limits_,
      jail_name_};
  return JailParts::planned(opening);
}

LentAs JailEnvelope::lent_as() const {
  // No other user of the host has a leased id, so a file with that id is the build's.
  std::optional<BuildIds> ids;
  if (plan_->users != 0) ids = BuildIds{.first = jail_.user.uid, .count = 1, .are_shared = false};
  return {.user = jail_.user, .ids = ids, .is_left_as_built = plan_->ownership == Ownership::kBuild};
}

Status JailEnvelope::complete(std::vector<Step> rest) {
  // Nothing of it is taken away meanwhile.
  const std::lock_guard not_closing(closing_);
  const std::lock_guard lock(launching_);
  if (is_closed_) return session_closed("complete", "nmount");
  if (is_complete_ || !rest_.empty()) return session_complete("complete", "nmount");
  if (auto status = refuse_overlays(rest); !status) return status;
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
  auto terminal = waiter_->terminals().wanted_by(request);
  if (!terminal) return std::move(terminal.error());
  OpenedTerminal opened;
  if (*terminal) {
    auto made = open_terminal(**terminal);
    if (!made) return std::move(made.error());
    opened = std::move(*made);
    ends.is_terminal = (*terminal)->streams;
  }
  if (auto status = ends.open_files(request.stdio); !status) return status;
  GivenTerminal given{.path = nullptr, .terminal = nullptr};
  if (*terminal) {
    if (auto status = ends.connect_terminal(**terminal, std::move(opened.master)); !status) return status;
    given = {.path = opened.path.c_str(), .terminal = &**terminal};
  }
  const auto stdio = ends.numbers();
  const auto signal = [](pid_t pid, int sent) { return pid > 0 && ::kill(-pid, sent) == 0; };
  Child child{.run = request.run, .owner = owner_, .listener = std::move(listener), .signal = signal};
  if (auto status = waiter_->expect_process(std::move(child), request, ends); !status) return status;
  // defence: limits-memory-host-program
  const int more_launches = plan_->limits.memory ? kMoreLaunches : 0;
  auto launched =
      launch_in_jail(jail_.jail->reference(), jail_.user, set_groups_, request, stdio, given, more_launches);
  if (!launched) {
    waiter_->forget(request.run);
    return std::move(launched.error());
  }
  waiter_->mover().opened(request.run);
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

Result<UniqueFd> JailEnvelope::open_root() {
  const std::lock_guard lock(launching_);
  if (is_closed_) return session_closed("keep", "open", ENOENT);
  UniqueFd opened(::open(jail_.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return last_error("keep", "open", jail_.root);
  return opened;
}

Result<Record> JailEnvelope::record() {
  const std::lock_guard lock(launching_);
  if (is_closed_) return session_closed("record", "jail_get", ENOENT);
  Record record{.root = jail_.root,
                .jail = {},
                .mounts = {},
                .namespaces = {},
                .uids = {},
                .gids = {},
                .user = jail_.user,
                .process = last_launched_,
                .limits = limits_.applied};
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

Result<SessionUsage> JailEnvelope::usage() {
  const std::lock_guard lock(launching_);
  if (is_closed_) return session_closed("usage", "rctl_get_racct");
  auto used = used_by(jail_name_);
  if (!used) return std::move(used.error());
  if (!*used) return SessionUsage{};
  const auto& counts = **used;
  const auto of = [&counts](const char* resource) -> std::optional<std::uint64_t> {
    const auto found = counts.find(resource);
    return found == counts.end() ? std::nullopt : std::optional(found->second);
  };
  SessionUsage usage{.by = "rctl"};
  if (const auto seconds = of("cputime")) usage.cpu_us = *seconds * kMicroseconds;
  usage.memory = of("memoryuse");
  // The greater one is what meets a limit first: zombies are no threads.
  usage.processes = std::max(of("maxproc"), of("nthr"));
  return usage;
}

LimitsMet JailEnvelope::limits_met() { return limits_.rules.empty() ? LimitsMet() : limits_log_.met(); }

CloseReport JailEnvelope::close() {
  const std::lock_guard only_one(closing_);
  {
    const std::lock_guard no_launch(launching_);
    is_closed_ = true;
  }
  return walk_.take_away();
}

}  // namespace buildjail
