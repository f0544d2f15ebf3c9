#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/back_off.h"
#include "envelope/full_tmp.h"
#include "linux/lesser_limits.h"
#include "linux/listeners.h"
#include "linux/overlays.h"
#include "linux/parts.h"
#include "linux/processes.h"
#include "linux/session_layers.h"
#include "linux/session_record.h"
#include "linux/terminal.h"
#include "state/file_state.h"

namespace buildjail {

namespace {

/** The time in which init answers that it has killed everything. */
constexpr std::chrono::milliseconds kKillBound{1000};
constexpr std::chrono::milliseconds kPidBound{1000};

/**
 * Makes the build user the owner of its pipes and of its terminal: opening /dev/stdout opens the pipe anew (proc(5),
 * /proc/pid/fd), and only its owner may, because pipes have mode 0600.
 */
Status give_pipes(const StdioEnds& ends, const SessionIds& ids, const BuildUser& build) {
  if (ids.are_callers()) return {};
  const BuildUser user = ids.outside(build);
  for (std::size_t i = 0; i < ends.child.size(); ++i) {
    if (!ends.is_pipe.at(i) && !ends.is_terminal.at(i)) continue;
    if (::fchown(ends.child.at(i).get(), user.uid, user.gid) != 0) return last_error("stdio", "fchown");
  }
  return {};
}

/** An envelope made of namespaces. */
class NamespaceEnvelope final : public Envelope {
 public:
  NamespaceEnvelope(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter, std::shared_ptr<LinuxHost> host,
                    PlacedLimits placed, Trace trace);
  NamespaceEnvelope& operator=(NamespaceEnvelope&&) = delete;
  ~NamespaceEnvelope() override { end_network(NetworkThread::End::kAtOnce); }

  /** Makes everything in the plan. */
  Status open(const Copying& copying);

  [[nodiscard]] const Trace& trace() const override { return trace_; }
  Status complete(std::vector<Step> rest, const Copying& copying) override;
  Status settle() override;
  Status launch(Launching launching) override;
  [[nodiscard]] bool launches_at_once() const override { return true; }
  Status signal_tree(std::uint32_t run, int signal) override;
  Status kill_all() override;
  Result<UniqueFd> open_root() override;
  std::vector<Layer> layers() override;
  Result<bool> is_opaque(const std::string& target, const std::string& folder) override;
  Result<std::vector<AppliedChanges>> apply(const std::vector<std::string>& targets) override;
  Result<Record> record() override;
  Result<SessionUsage> usage() override;
  Result<std::vector<SessionProcess>> processes() override;
  [[nodiscard]] std::vector<std::byte> seen_paths() const override {
    return inside_.seen_paths() ? inside_.seen_paths()->pack() : std::vector<std::byte>();
  }
  LimitsMet limits_met() override { return cgroup_.met(); }
  std::optional<Limit> full_tmp() override;
  void begin_close() override;
  CloseReport close() override;
  void let_go() override {
    host_->blanks.refill(false);
    const std::lock_guard not_closing(closing_);
    inside_.let_go();
  }

 private:
  /** Waits until init has made what was sent to it, if anything was. */
  Status confirm(const Namespaces& inside, bool is_launched);
  /** Starts the network of names, whose sockets init has made. */
  void begin_network();
  /**
   * Ends the network of names, once no process of the session is left or the bound is over. A second call does nothing.
   */
  void end_network(NetworkThread::End how);
  /** In the order in which they are made. */
  Parts parts(const std::vector<Step>& steps, bool is_rest, const Copying& copying);
  /** Null once the session is being closed. The namespaces last as long as the caller holds the result. */
  std::shared_ptr<Namespaces> namespaces() { return is_closed_ ? nullptr : inside_.get(); }
  [[nodiscard]] CommandSetup setup() const {
    return {.user = plan_->user, .has_one_id = ids_.are_callers(), .lesser = lesser_};
  }
  [[nodiscard]] LentAs lent_as() const;
  /** Launches a command. The waiter reports its events to the listener. */
  Status begin(const Namespaces& inside, const LaunchRequest& request, const CommandSetup& setup, StdioEnds& ends,
               CommandListener listener);

  SharedPlan plan_;
  Lessee lessee_;
  std::shared_ptr<Waiter> waiter_;
  std::shared_ptr<LinuxHost> host_;
  /** The number under which the waiter keeps the session's commands. */
  std::uint64_t owner_;
  Trace trace_;
  std::mutex closing_;
  /** For each run, the processes that a signal found below its command. */
  std::map<std::uint32_t, std::vector<UniqueFd>> signalled_;

  // No lock is held for these, because a close must be able to end a launch that hangs.
  std::atomic<bool> is_closed_ = false;
  /** Its root is sealed, so commands may be launched. */
  std::atomic<bool> is_complete_ = false;
  /** When the first command was launched (file_time_now); 0 before. */
  std::atomic<std::int64_t> used_since_ns_ = 0;

  /** The steps that completed a base. */
  std::vector<Step> rest_;
  /** The nesting of the steps that are being made. */
  Nesting nesting_;
  SessionIds ids_;
  LesserLimits lesser_;
  SessionCgroup cgroup_;
  SessionNamespaces inside_;
  Journal journal_;
  /** The opening of the plan, and that of the rest of a base. */
  std::list<NamespaceOpening> openings_;
  /** A launch that finishes may set it while the session is being closed. */
  std::mutex network_lock_;
  /** Null without a network of names, and while it is not open. */
  std::shared_ptr<SessionNetwork> network_;
  /** The last member, because its parts refer to those above. */
  Walk walk_;
};

NamespaceEnvelope::NamespaceEnvelope(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter,
                                     std::shared_ptr<LinuxHost> host, PlacedLimits placed, Trace trace)
    : plan_(std::move(plan)),
      lessee_(std::move(lessee)),
      waiter_(std::move(waiter)),
      host_(std::move(host)),
      owner_(waiter_->new_owner()),
      trace_(std::move(trace)),
      lesser_(lesser_limits(plan_->limits, placed.held)),
      cgroup_(std::move(placed), lessee_.session.id),
      inside_(waiter_, owner_, host_->notices, plan_->traces ? std::make_shared<SeenPaths>() : nullptr),
      journal_(journal_of(lessee_.session.state_directory, lessee_.session.id)) {}

Status NamespaceEnvelope::open(const Copying& copying) {
  auto status = walk_.open(parts(plan_->steps, false, copying), journal_, trace_);
  is_complete_ = status && !plan_->is_base;
  return status;
}

Status NamespaceEnvelope::settle() {
  const std::lock_guard not_closing(closing_);
  const auto inside = namespaces();
  if (!inside) return session_closed("open", "recvmsg");
  auto status = confirm(*inside, false);
  return status ? std::move(status) : walk_.give_up(std::move(status.error()));
}

Status NamespaceEnvelope::confirm(const Namespaces& inside, bool is_launched) {
  if (!inside_.has_calls()) return {};
  auto status = inside_.confirm(is_launched, trace_);
  if (status && is_complete_) status = inside_.watch(inside);
  // The steps that complete a base find the limits held, even if there are no such steps.
  if (status && !cgroup_.is_none() && openings_.size() == 1) {
    status = cgroup_.hold();
    if (status) trace_.mark("limits");
  }
  is_complete_ = is_complete_ && status;
  if (is_complete_) begin_network();
  return status;
}

void NamespaceEnvelope::begin_network() {
  auto made = inside_.take_sockets();
  if (made.empty()) return;
  const PlannedNetwork& planned = plan_->network;
  AllowedNames names(planned, NamesInIpv6::kMapped);
  auto sockets = session_sockets(names, std::move(made));
  const std::lock_guard lock(network_lock_);
  if (is_closed_) return;
  network_ = host_->network.add(lessee_.session.id, std::move(names), planned.checks_tls_names, std::move(sockets));
}

void NamespaceEnvelope::end_network(NetworkThread::End how) {
  std::unique_lock lock(network_lock_);
  const auto ended = std::exchange(network_, nullptr);
  lock.unlock();
  if (ended) host_->network.end(ended, how);
}

Parts NamespaceEnvelope::parts(const std::vector<Step>& steps, bool is_rest, const Copying& copying) {
  nesting_ = is_rest ? nesting_in(steps, plan_->steps) : nesting_in(steps);
  openings_.push_back(NamespaceOpening{
      {.plan = *plan_,
       .steps = steps,
       .nesting = nesting_,
       .is_rest = is_rest,
       .lessee = lessee_,
       .journal = journal_,
       .lent_as = [this] { return lent_as(); },
       .look_at_mounts = [this](std::vector<ShownSource>& sources) { return host_->mount_table.look_at(sources); },
       .end_processes = [this](TakingAway& taking) { return inside_.end_processes(taking.trace); },
       .end_flows = [this](std::chrono::milliseconds bound) { return waiter_->mover().end(owner_, bound); },
       .copying = copying},
      *host_,
      ids_,
      cgroup_,
      inside_});
  return NamespaceParts::planned(openings_.back());
}

Status NamespaceEnvelope::complete(std::vector<Step> rest, const Copying& copying) {
  const std::lock_guard not_closing(closing_);
  const auto inside = namespaces();
  if (!inside) return session_closed("complete", "sendmsg");
  if (is_complete_ || !rest_.empty()) return session_complete("sendmsg");
  if (auto status = confirm_whole_overlays(rest, host_->mount_table); !status) return status;
  host_->blanks.give_way();
  trace_.resume();
  rest_ = std::move(rest);
  auto more = parts(rest_, true, copying);
  auto status = walk_.add(std::move(more), journal_, trace_);
  is_complete_ = static_cast<bool>(status);
  return status;
}

LentAs NamespaceEnvelope::lent_as() const {
  // All ids of the range are the session's alone. A build that is root may have given a file to any of them.
  std::optional<BuildIds> ids;
  if (ids_.are_leased())
    ids = BuildIds{.first = ids_.lease.number() * ids_.size,
                   .count = ids_.size,
                   .gid = ids_.outside(plan_->user).gid,
                   .are_shared = false};
  // The filter on system calls refuses set-id bits and marks unless they are allowed. It sees no call that io_uring(7)
  // makes, and not the mode of openat2(2), which is allowed with namespaces.
  // defence: marks-ring-put-past
  const bool lets_mark = plan_->allowed.has(Allowance::kSetId) || plan_->allowed.has(Allowance::kAttributes) ||
                         plan_->allowed.has(Allowance::kIoUring) || plan_->allowed.has(Allowance::kUserNamespaces);
  return {.user = ids_.outside(plan_->user),
          .ids = ids,
          .keeps_owner = ids_.are_callers(),
          .is_left_as_built = plan_->ownership == Ownership::kBuild,
          .lets_mark = lets_mark,
          .set_group_id = inside_.set_group_id()};
}

Status NamespaceEnvelope::launch(Launching launching) {
  auto& [request, ends, listener] = launching;
  const auto inside = namespaces();
  if (!inside) return session_closed("launch", "sendmsg");
  if (!is_complete_) return session_incomplete("sendmsg");
  if (used_since_ns_ == 0) {
    // No command has run yet, so no build has read a file before this time.
    const auto now = file_time_now("launch");
    if (!now) return now.error();
    used_since_ns_ = *now;
  }
  host_->blanks.give_way(true);
  auto terminal = waiter_->terminals().wanted_by(request);
  if (!terminal) return std::move(terminal.error());
  UniqueFd master;
  // The terminal lies in the session's root, and limits must hold before a command runs.
  if (*terminal || !cgroup_.is_none()) {
    if (auto status = confirm(*inside, false); !status) return status;
  }
  if (ids_.are_callers()) {
    if (auto status = lesser_.hold_init(inside->init()); !status) return status;
  }
  if (*terminal) {
    auto opened = open_terminal(inside->root(), **terminal, ends);
    if (!opened) return std::move(opened.error());
    master = std::move(*opened);
  }
  if (auto status = ends.open_files(request.stdio); !status) return status;
  if (auto status = give_pipes(ends, ids_, plan_->user); !status) return status;
  // Init reports only the step and the errno.
  const auto explain = [directory = request.working_directory, file = request.argv.front(),
                        has_most_processes = plan_->limits.processes.has_value()](SysError& error) {
    if (error.syscall == "chdir") error.path = directory;
    if (error.syscall == "execve") error.path = file;
    if (error.syscall == "openat") error.path = "/dev/null";
    // execve(2) fails so where RLIMIT_NPROC holds the limit.
    if ((error.syscall == "clone" || error.syscall == "execve") && error.err == EAGAIN && has_most_processes)
      error.detail = "processes: as many run in the session as limits.processes lets it have";
  };
  listener.ended = [ended = std::move(listener.ended), explain](Result<Exit> exit) {
    if (!exit) explain(exit.error());
    ended(std::move(exit));
  };
  auto command = setup();
  if (*terminal) {
    if (auto status = ends.connect_terminal(**terminal, std::move(master)); !status) return status;
    if ((*terminal)->is_typed_into) command.terminal = (*terminal)->first_stream();
  }
  auto status = begin(*inside, request, command, ends, std::move(listener));
  if (status) host_->blanks.refill(true);
  if (status) return status;
  if (status.error().err == ESRCH && cgroup_.met().memory > 0)
    status.error().detail = "memory: the session is over, because only its init was left to be killed for more memory";
  return namespaces() ? status : session_closed("launch", "sendmsg");
}

Status NamespaceEnvelope::begin(const Namespaces& inside, const LaunchRequest& request, const CommandSetup& setup,
                                StdioEnds& ends, CommandListener listener) {
  const auto& channel = inside.channel();
  const auto stdio = ends.numbers();
  auto signal = [channel, number = request.run](pid_t, int sent) { return channel->signal(number, sent); };
  auto status = waiter_->expect(
      {.run = request.run, .owner = owner_, .listener = std::move(listener), .signal = std::move(signal)}, request,
      ends);
  if (!status) return status;
  // Linux keeps what is typed from the start.
  waiter_->mover().opened(request.run);
  status = channel->launch(request, setup, stdio);
  if (status) status = confirm(inside, true);
  if (!status) waiter_->forget(request.run);
  return status;
}

Status NamespaceEnvelope::signal_tree(std::uint32_t run, int signal) {
  const auto inside = namespaces();
  if (!inside) return {};
  // Init reports a pid some milliseconds after the launch, or when asked.
  BackOff back_off(kPidBound);
  auto pid = waiter_->pid_of(run);
  if (!pid) static_cast<void>(inside->channel()->ask_for_pid(run));
  while (!pid && waiter_->is_expected(run) && back_off.wait()) pid = waiter_->pid_of(run);
  // The command may have ended while this waited, and its number may be another process's.
  pid = waiter_->pid_of(run);
  if (signal != SIGKILL) {
    if (!pid) return {};
    signalled_.insert_or_assign(run, buildjail::signal_tree(*pid, signal));
    return {};
  }
  if (pid) kill_tree(*pid);
  const auto left = signalled_.extract(run);
  if (left.empty()) return {};
  for (const UniqueFd& one : left.mapped()) {
    if (const auto still = pid_of_descriptor(one.get())) kill_tree(*still);
  }
  return {};
}

Status NamespaceEnvelope::kill_all() {
  const auto inside = namespaces();
  if (!inside) return {};
  // Init needs a processor to kill, and each process to end.
  cgroup_.let_end();
  auto status = inside->channel()->kill_all(kKillBound);
  auto held = cgroup_.set_quota_again();
  // The cgroup of a session that is closed meanwhile is gone.
  return status && namespaces() ? std::move(held) : std::move(status);
}

Result<UniqueFd> NamespaceEnvelope::open_root() {
  // Another process can get init's pid once that was waited for.
  const std::lock_guard not_closing(closing_);
  const auto inside = namespaces();
  if (!inside) return session_closed("keep", "open", ENOENT);
  const std::string root = inside->root();
  UniqueFd opened(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return last_error("keep", "open", root);
  return opened;
}

std::optional<Limit> NamespaceEnvelope::full_tmp() {
  // As in open_root. The holder of the lock may be waiting for this thread.
  const std::unique_lock not_closing(closing_, std::try_to_lock);
  const auto inside = not_closing ? namespaces() : nullptr;
  return inside ? buildjail::full_tmp(inside->root(), plan_->steps) : std::nullopt;
}

std::vector<Layer> NamespaceEnvelope::layers() {
  const std::lock_guard not_closing(closing_);
  return layers_of(inside_, openings_, used_since_ns_);
}

Result<bool> NamespaceEnvelope::is_opaque(const std::string& target, const std::string& folder) {
  return is_opaque_in(layers(), target, folder);
}

Result<std::vector<AppliedChanges>> NamespaceEnvelope::apply(const std::vector<std::string>& targets) {
  return apply_layers(layers(), targets, lessee_.session.id, openings_);
}

Result<Record> NamespaceEnvelope::record() {
  // Another process can get init's pid once that was waited for.
  const std::lock_guard not_closing(closing_);
  const auto inside = namespaces();
  if (!inside) return session_closed("record", "open", ENOENT);
  auto record = read_record(*inside, ids_.are_hosts());
  if (!record) return record;
  record->limits = cgroup_.applied();
  const auto lesser = lesser_.applied();
  record->limits.insert(record->limits.end(), lesser.begin(), lesser.end());
  if (!is_complete_) return record;
  for (const NamespaceOpening& opening : openings_) {
    for (const OutputLease* const lease : opening.leases) {
      if (lease->is_mapped()) record->mapped_outputs.emplace_back(lease->target());
    }
  }
  auto waiting = setup();
  waiting.waits = true;
  auto who = look_at_command(*waiter_, *inside, [&](const LaunchRequest& request, CommandListener listener) {
    StdioEnds ends;
    return begin(*inside, request, waiting, ends, std::move(listener));
  });
  if (!who) return std::move(who.error());
  record->process = as_inside(std::move(*who), record->uids, record->gids);
  return record;
}

void NamespaceEnvelope::begin_close() {
  is_closed_ = true;
  // close() does this again, and reports a failure.
  if (const auto inside = inside_.get()) static_cast<void>(inside->tell_to_end());
}

Result<SessionUsage> NamespaceEnvelope::usage() {
  if (auto counted = cgroup_.usage()) return std::move(*counted);
  const std::lock_guard not_closing(closing_);
  const auto inside = namespaces();
  return inside ? usage_of_processes(inside->init()) : SessionUsage();
}

Result<std::vector<SessionProcess>> NamespaceEnvelope::processes() {
  const std::lock_guard not_closing(closing_);
  const auto inside = namespaces();
  return inside ? processes_below(inside->init()) : std::vector<SessionProcess>();
}

CloseReport NamespaceEnvelope::close() {
  const std::lock_guard only_one(closing_);
  host_->blanks.give_way();
  is_closed_ = true;
  cgroup_.let_end();
  auto report = walk_.take_away();
  end_network(NetworkThread::End::kAllSent);
  return report;
}

}  // namespace

Result<std::unique_ptr<Envelope>> open_envelope(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter,
                                                std::shared_ptr<LinuxHost> host, Trace trace, const Copying& copying) {
  if (auto status = confirm_whole_overlays(plan->steps, host->mount_table); !status) return std::move(status.error());
  auto placed = plan->limits.is_empty() ? PlacedLimits() : host->cgroups.place(plan->limits);
  if (!placed) return std::move(placed.error());
  auto envelope = std::make_unique<NamespaceEnvelope>(std::move(plan), std::move(lessee), std::move(waiter),
                                                      std::move(host), std::move(*placed), std::move(trace));
  if (auto status = envelope->open(copying); !status) return std::move(status.error());
  return std::unique_ptr<Envelope>(std::move(envelope));
}

}  // namespace buildjail
