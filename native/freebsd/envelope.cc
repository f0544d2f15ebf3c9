#include "freebsd/envelope.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>
#include <variant>

#include "envelope/commands.h"
#include "envelope/envelope.h"
#include "envelope/mount_points.h"
#include "envelope/output.h"
#include "envelope/session_directory.h"
#include "envelope/sources.h"
#include "envelope/state_entry.h"
#include "freebsd/jail_parameters.h"
#include "freebsd/launch.h"
#include "freebsd/mounts.h"
#include "freebsd/no_overlays.h"
#include "freebsd/parts/accounts.h"
#include "freebsd/parts/devfs.h"
#include "freebsd/parts/dying_jail.h"
#include "freebsd/parts/jail_part.h"
#include "freebsd/parts/lent_interface.h"
#include "freebsd/parts/listed_folder.h"
#include "freebsd/parts/loopback.h"
#include "freebsd/parts/nested_nullfs.h"
#include "freebsd/parts/nullfs.h"
#include "freebsd/parts/processors.h"
#include "freebsd/parts/procfs.h"
#include "freebsd/parts/root.h"
#include "freebsd/parts/rules.h"
#include "freebsd/parts/seal.h"
#include "freebsd/parts/skeleton.h"
#include "freebsd/parts/throttle.h"
#include "freebsd/parts/tmpfs.h"
#include "freebsd/parts/user_lease.h"
#include "freebsd/parts/watched_devices.h"
#include "freebsd/processes.h"
#include "freebsd/rctl.h"

namespace buildjail {

namespace {

template <class... Calls>
struct Overloaded : Calls... {
  using Calls::operator()...;
};
template <class... Calls>
Overloaded(Calls...) -> Overloaded<Calls...>;

constexpr std::uint64_t kMicroseconds = 1'000'000;

// The kernel looks once a second, and more often where memory is short (vm_daemon in sys/vm/vm_swapout.c); a host that
// is busy as well takes its time for a launch. Whom a build kills is launched again, too, but not for ever.
constexpr int kMoreLaunches = 9;

}  // namespace

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
  // By itself, as the others need to know who the build is.
  Parts first;
  first.push_back(std::make_unique<UserLease>(*envelope->plan_, envelope->lessee_, envelope->user_));
  auto status = envelope->walk_.open(std::move(first), envelope->journal_, envelope->trace_);
  if (!status) return std::move(status.error());
  envelope->jail_.user = envelope->user_.uid;
  auto parts = envelope->parts(envelope->plan_->steps, false);
  status = envelope->walk_.open(std::move(parts), envelope->journal_, envelope->trace_);
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
      sources_(lessee_),
      journal_(journal_of(plan_->state_directory, lessee_.session.id)) {}

Parts JailEnvelope::parts(const std::vector<Step>& steps, bool is_rest) {
  const bool is_sealed = is_rest || !plan_->is_base;
  nesting_ = is_rest ? nesting_in(steps, plan_->steps) : nesting_in(steps);
  const std::string& id = lessee_.session.id;
  Parts parts;
  if (!is_rest) {
    if (plan_->user.uid == 0) parts.push_back(std::make_unique<WatchedDevices>());
    parts.push_back(std::make_unique<DyingJail>(jail_, host_->dying_networks));
    parts.push_back(std::make_unique<StateEntry>(journal_, id, plan_->name, lessee_.host_directory));
    parts.push_back(std::make_unique<SessionDirectory>(jail_.root));
  }
  add_outputs(steps, is_rest, parts);
  if (!is_rest) parts.push_back(std::make_unique<Root>(jail_, host_->tmpfs_ids));
  add_steps(steps, parts);
  if (is_sealed) parts.push_back(std::make_unique<Seal>(jail_.root));
  if (!is_rest) add_jail(parts);
  if (is_sealed)
    parts.push_back(std::make_unique<Commands>([this](Trace& trace) { return jail_.end_processes(trace); }));
  return parts;
}

// Its rules before it, so that no process is ever in it without them.
void JailEnvelope::add_jail(Parts& parts) {
  const std::string& id = lessee_.session.id;
  if (!limits_.rules.empty() || limits_.share > 0) parts.push_back(std::make_unique<Rules>(jail_name_, limits_.rules));
  parts.push_back(std::make_unique<JailPart>(jail_, *plan_, id, host_->abilities));
  if (JailPart::network_of(*plan_) == JailConfig::Network::kOwn) parts.push_back(std::make_unique<Loopback>(jail_));
  if (plan_->network.kind == PlannedNetwork::Kind::kInterface)
    parts.push_back(std::make_unique<LentInterface>(jail_, plan_->network.handed_in));
  // defence: limits-session-many-processors
  if (limits_.processors > 0) parts.push_back(std::make_unique<Processors>(jail_, id, limits_.processors));
  if (limits_.share > 0) parts.push_back(std::make_unique<Throttle>(jail_name_, limits_.share));
}

LentAs JailEnvelope::lent_as() const {
  // A user who was leased is nobody else's, and so are the files that are that user's.
  std::optional<BuildIds> ids;
  if (plan_->users != 0) ids = BuildIds{.first = user_.uid, .count = 1, .are_shared = false};
  return {.user = user_, .ids = ids, .is_left_as_built = plan_->ownership == Ownership::kBuild};
}

void JailEnvelope::add_outputs(const std::vector<Step>& steps, bool is_rest, Parts& parts) {
  const auto binds = binds_of(steps);
  std::vector<const OutputLease*> outputs;
  for (const Bind* const bind : binds) {
    if (!bind->is_writable) continue;
    auto lease = std::make_unique<OutputLease>(lessee_, *bind);
    leases_.emplace(bind, lease.get());
    outputs.push_back(lease.get());
    parts.push_back(std::move(lease));
  }
  parts.push_back(std::make_unique<NotedSources>(
      sources_, is_rest ? sources_of(plan_->steps) : std::vector<const Bind*>(), sources_of(steps),
      [this](std::vector<ShownSource>& sources) { return look_at_mounts(sources, host_->mounted); }));
  add_mount_points(nesting_, outputs, parts);
  for (const Bind* const bind : binds) {
    if (bind->is_writable && plan_->ownership != Ownership::kUnchanged)
      parts.push_back(std::make_unique<LentDirectory>(*leases_.at(bind), lent_as()));
  }
}

void JailEnvelope::add_steps(const std::vector<Step>& steps, Parts& parts) {
  const auto skeleton = [this](const auto& one) { return std::make_unique<Skeleton>(jail_.root, &one); };
  using Made = std::unique_ptr<Part>;
  const Overloaded part_of{
      [&](const MakeDirectory& one) -> Made { return skeleton(one); },
      [&](const MakeFile& one) -> Made { return skeleton(one); },
      [&](const MakeLink& one) -> Made { return skeleton(one); },
      [&](const WriteText& one) -> Made {
        if (one.target == Accounts::kText) return std::make_unique<Accounts>(jail_.root, one, user_);
        return skeleton(one);
      },
      [this](const MountTmpfs& one) -> Made { return std::make_unique<Tmpfs>(jail_, one); },
      [this](const MountProc& one) -> Made { return std::make_unique<Procfs>(jail_, one); },
      [this](const MountDev& one) -> Made { return std::make_unique<Devfs>(jail_, one, host_->devfs_ruleset); },
      [](const Listed& one) -> Made { return std::make_unique<ListedFolder>(one); },
      [&](const Bind& one) -> Made {
        const auto found = leases_.find(&one);
        const OutputLease* const lease = found == leases_.end() ? nullptr : found->second;
        const auto outer = nesting_.find(&one);
        if (outer == nesting_.end()) return std::make_unique<Nullfs>(jail_, one, lease, host_->nullfs_ids);
        if (shows_its_point(*outer->second, one)) parts.push_back(std::make_unique<Padding>(jail_, one));
        return std::make_unique<NestedNullfs>(jail_, one, *outer->second, lease);
      }};
  for (const Step& step : steps) {
    // One that stands on another adds that one itself.
    auto part = std::visit(part_of, step);
    parts.push_back(std::move(part));
  }
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
  auto launched = launch_in_jail(jail_.jail->reference(), user_, set_groups_, request, stdio, given, more_launches);
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
                .user = user_,
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
  auto report = walk_.take_away();
  if (report.failures.empty() && !waiter_->mover().end(owner_, kRelayBound)) report.failures.push_back(relay_held_up());
  return report;
}

}  // namespace buildjail
