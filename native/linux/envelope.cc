#include "linux/envelope.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <utility>

#include "base/back_off.h"
#include "envelope/session_errors.h"
#include "state/state_directory.h"
#include "linux/bind_source.h"
#include "linux/file_identity.h"
#include "linux/init/messages.h"
#include "linux/process_tree.h"
#include "linux/proc_files.h"
#include "linux/recovery.h"

namespace buildjail {

namespace {

/** In which init answers that it has killed everything. */
constexpr std::chrono::milliseconds kKillBound{1000};
constexpr std::chrono::milliseconds kPidBound{1000};
/** No job has this number. Also in src/native/exits.ts. */
constexpr std::uint32_t kLookingRun = 0xffffffff;

struct Output {
  UniqueFd directory;
  dev_t device;
};

/** An output, held open; ESTALE when it is another directory by now than when it was planned. */
Result<Output> open_output(const Bind& bind) {
  UniqueFd directory(::open(bind.source.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) return last_error("pin-source", "open", bind.source);
  struct stat found{};
  if (::fstat(directory.get(), &found) != 0) return last_error("pin-source", "fstat", bind.source);
  if (is_planned(bind, found)) return Output{.directory = std::move(directory), .device = found.st_dev};
  return SysError{
      .step = "pin-source", .syscall = "fstat", .err = ESTALE, .path = bind.source, .dest = {}, .detail = kStaleSource};
}

SysError too_many(const std::string& source) {
  return {.step = "output-lease",
          .syscall = "sendmsg",
          .err = E2BIG,
          .path = source,
          .dest = {},
          .detail = "a session has " + std::to_string(kMostLent) + " outputs at most"};
}

/** Whom a lent output belongs to, in the host's numbering. */
uid_t build_user_outside(const BuildUser& user) { return needs_user_namespace() ? ::geteuid() : user.uid; }

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
                                                          std::shared_ptr<Waiter> waiter,
                                                          std::shared_ptr<Host> host) {
  if (needs_user_namespace() && !plan->user.groups.empty()) {
    return SysError{.step = "user",
                    .syscall = "setgroups",
                    .err = EPERM,
                    .path = {},
                    .dest = {},
                    .detail = "supplementary groups can be given by root only (user_namespaces(7), setgroups)"};
  }
  // Not make_unique: the constructor is private, as a half-opened envelope is nothing to have.
  std::unique_ptr<NamespaceEnvelope> envelope(
      new NamespaceEnvelope(std::move(plan), id, std::move(waiter), std::move(host)));
  if (auto status = make_private_directory(envelope->plan_->state_directory); !status) return std::move(status.error());
  envelope->trace_.mark("state-directory");
  const std::string& state_directory = envelope->plan_->state_directory;
  envelope->host_->first_recovery.run(recovery_of(state_directory), state_directory, envelope->trace_);
  if (auto status = envelope->begin_journal(); !status) return std::move(status.error());
  if (auto status = envelope->take_outputs(envelope->plan_->steps); !status) return std::move(status.error());
  if (auto status = envelope->make_namespaces(); !status) return std::move(status.error());
  // Not before there is an init, which hands them back should this process be killed.
  if (auto status = envelope->hand_over_outputs(); !status) return std::move(status.error());
  return std::unique_ptr<Envelope>(std::move(envelope));
}

NamespaceEnvelope::NamespaceEnvelope(SharedPlan plan, std::string id, std::shared_ptr<Waiter> waiter,
                                     std::shared_ptr<Host> host)
    : plan_(std::move(plan)),
      id_(std::move(id)),
      waiter_(std::move(waiter)),
      host_(std::move(host)),
      owner_(waiter_->new_owner()) {}

NamespaceEnvelope::~NamespaceEnvelope() {
  try {
    if (close().failures.empty()) return;
  } catch (...) {  // NOLINT(bugprone-empty-catch): no memory to tell of it, and nobody to tell
  }
  // For a recovery.
  for (auto& output : lent_) output.lease.release();
}

Status NamespaceEnvelope::begin_journal() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  auto journal = Journal::begin(plan_->state_directory,
                                {.id = id_,
                                 .name = plan_->name,
                                 .pid = ::getpid(),
                                 .started_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count(),
                                 .root = {},
                                 .jail = {},
                                 .user = build_user_outside(plan_->user),
                                 .lent = {}});
  if (!journal) return std::move(journal.error());
  journal_.emplace(std::move(*journal));
  trace_.mark("journal");
  return {};
}

Status NamespaceEnvelope::take_outputs(const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    const auto* bind = std::get_if<Bind>(&step);
    if (bind == nullptr || !bind->is_writable) continue;
    if (lent_.size() == kMostLent) return too_many(bind->source);
    auto output = open_output(*bind);
    if (!output) return std::move(output.error());
    std::string identity = may_leave_network() ? identity_of(output->directory.get(), output->device) : std::string();
    const Recovery recovery = recovery_of(plan_->state_directory);
    auto lease = OutputLease::take(plan_->state_directory, id_, *bind, std::move(output->directory), recovery);
    if (!lease) return std::move(lease.error());
    auto before = lease->remember();
    if (!before) return std::move(before.error());
    if (auto status = journal_->lend(*before); !status) return status;
    lent_.push_back({.lease = std::move(*lease),
                     .before = std::move(*before),
                     .target = bind->target,
                     .identity = std::move(identity)});
    trace_.mark("output-lease", bind->target);
  }
  return {};
}

Status NamespaceEnvelope::hand_over_outputs() {
  for (auto& [lease, before, target, identity] : lent_) {
    if (auto status = namespaces_->channel()->lend(before, target, setup(), lease.lock()); !status) return status;
    // In a user namespace the build user is the caller under another number, who has what rights the caller has.
    if (needs_user_namespace()) continue;
    if (auto status = lease.hand_over(plan_->user); !status) return status;
  }
  trace_.mark("hand-over");
  return {};
}

Status NamespaceEnvelope::make_namespaces() {
  const bool takes_spare = !plan_->is_host_network && !needs_user_namespace();
  const std::string heir = network_heir();
  Network network = takes_spare ? host_->networks.take(heir) : Network();
  auto made = Namespaces::make(
      *plan_, {.init_image = host_->init_image, .mounts = host_->mounts, .network = network.space}, trace_);
  if (!made) return std::move(made.error());
  namespaces_ = std::make_shared<Namespaces>(std::move(*made));
  const auto& channel = namespaces_->channel();
  auto status = waiter_->watch_channel(owner_, channel->fd(),
                                       [channel, waiter = waiter_.get()] { return channel->read(*waiter); });
  if (!status) return status;
  if (!heir.empty()) network_ = network ? std::move(network) : Network::of(namespaces_->init());
  is_complete_ = !plan_->is_base;
  return {};
}

// Not of a build that is root, whom the kernel lets change more than counters (sysctl(8), net.*).
bool NamespaceEnvelope::may_leave_network() const {
  return !plan_->is_host_network && !plan_->is_base && plan_->user.uid != 0 && !needs_user_namespace();
}

std::string NamespaceEnvelope::network_heir() const {
  if (!may_leave_network() || lent_.empty()) return {};
  std::string heir = std::to_string(plan_->user.uid) + ":" + std::to_string(plan_->user.gid);
  for (const auto& output : lent_) {
    if (output.identity.empty()) return {};
    heir += " " + output.identity;
  }
  return heir;
}

Status NamespaceEnvelope::complete(std::vector<Step> rest) {
  const std::lock_guard not_closing(closing_);
  const auto inside = namespaces();
  if (!inside) return session_closed("complete", "setns");
  if (is_complete()) return session_complete("complete", "setns");
  host_->networks.give_way();
  trace_.resume();
  auto status = take_outputs(rest);
  if (status) status = inside->complete(rest, trace_);
  if (status) status = hand_over_outputs();
  // The child that completes enters the session's user namespace while it shares our memory, which is a change of
  // credentials, and the kernel then keeps that memory from being dumped (PR_SET_DUMPABLE(2const)).
  if (needs_user_namespace() && host_->is_dumpable) static_cast<void>(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
  if (!status) return status;
  const std::lock_guard lock(mutex_);
  is_complete_ = true;
  return {};
}

std::shared_ptr<Namespaces> NamespaceEnvelope::namespaces() {
  const std::lock_guard lock(mutex_);
  return is_closed_ ? nullptr : namespaces_;
}

bool NamespaceEnvelope::is_complete() {
  const std::lock_guard lock(mutex_);
  return is_complete_;
}

CommandSetup NamespaceEnvelope::setup() const {
  return {.user = plan_->user, .has_user_namespace = needs_user_namespace()};
}

Status NamespaceEnvelope::launch(Launching launching) {
  auto& [request, ends, listener] = launching;
  const auto inside = namespaces();
  if (!inside) return session_closed("launch", "sendmsg");
  if (!is_complete()) return session_incomplete("launch", "sendmsg");
  host_->networks.give_way();
  if (auto status = ends.open_files(request.stdio); !status) return status;
  if (auto status = give_pipes(request, ends, plan_->user); !status) return status;
  const auto stdio = ends.numbers();
  listener.ended = [ended = std::move(listener.ended), directory = request.working_directory,
                    file = request.argv.front()](Result<Exit> exit) {
    if (!exit && exit.error().syscall == "chdir") exit.error().path = directory;
    if (!exit && exit.error().syscall == "execve") exit.error().path = file;
    ended(std::move(exit));
  };
  const auto& channel = inside->channel();
  auto signal = [channel, number = request.run](pid_t, int sent) { return channel->signal(number, sent); };
  auto status = waiter_->expect({.run = request.run,
                                 .owner = owner_,
                                 .streams = {},
                                 .listener = std::move(listener),
                                 .signal = std::move(signal)},
                                request, ends);
  if (!status) return status;
  status = channel->launch(request, setup(), stdio);
  if (status) return status;
  waiter_->forget(request.run);
  return namespaces() ? status : session_closed("launch", "sendmsg");
}

Status NamespaceEnvelope::signal_tree(std::uint32_t run, int signal) {
  const auto inside = namespaces();
  if (!inside) return {};
  // Its pid is told some milliseconds after its launch, or when it is asked for.
  BackOff back_off(kPidBound);
  auto pid = waiter_->pid_of(run);
  if (!pid) static_cast<void>(inside->channel()->ask_for_pid(run));
  while (!pid && waiter_->is_expected(run) && back_off.wait()) pid = waiter_->pid_of(run);
  if (pid) buildjail::signal_tree(*pid, signal);
  return {};
}

Status NamespaceEnvelope::kill_all() {
  const auto inside = namespaces();
  return inside ? inside->channel()->kill_all(kKillBound) : Status();
}

Result<Credentials> NamespaceEnvelope::look_at_command(const Namespaces& inside) {
  struct Looking {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<pid_t> pid;
    std::optional<SysError> failure;
    bool is_over = false;
  };
  const std::lock_guard one_at_a_time(looking_);
  const auto looking = std::make_shared<Looking>();
  LaunchRequest request;
  request.run = kLookingRun;
  request.argv = {"/"};
  request.working_directory = "/";
  StdioEnds ends;
  if (auto status = ends.open_files(request.stdio); !status) return std::move(status.error());
  const auto tell = [looking](auto change) {
    const std::lock_guard lock(looking->mutex);
    change(*looking);
    looking->changed.notify_all();
  };
  CommandListener listener{.started = [tell](pid_t pid) { tell([pid](Looking& one) { one.pid = pid; }); },
                           .dead = {},
                           .ended = [tell](const Result<Exit>& exit) {
                             tell([&exit](Looking& one) {
                               if (!exit) one.failure = exit.error();
                               one.is_over = true;
                             });
                           }};
  const auto stdio = ends.numbers();
  const auto& channel = inside.channel();
  auto status = waiter_->expect({.run = kLookingRun,
                                 .owner = owner_,
                                 .streams = {},
                                 .listener = std::move(listener),
                                 .signal = [channel](pid_t, int sent) { return channel->signal(kLookingRun, sent); }},
                                request, ends);
  if (!status) return std::move(status.error());
  auto waiting = setup();
  waiting.waits = true;
  if (status = channel->launch(request, waiting, stdio); !status) {
    waiter_->forget(kLookingRun);
    return std::move(status.error());
  }
  std::unique_lock lock(looking->mutex);
  looking->changed.wait_for(lock, kPidBound, [&] { return looking->pid || looking->is_over; });
  auto who = looking->pid ? credentials_of(*looking->pid) : std::nullopt;
  static_cast<void>(channel->signal(kLookingRun, SIGKILL));
  looking->changed.wait_for(lock, kPidBound, [&] { return looking->is_over; });
  if (who) return std::move(*who);
  if (looking->failure) return std::move(*looking->failure);
  errno = ESRCH;
  return last_error("record", "open");
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
  if (!is_complete()) return record;
  auto who = look_at_command(*inside);
  if (!who) return std::move(who.error());
  record.process = std::move(*who);
  return record;
}

void NamespaceEnvelope::begin_close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  // Again when closing for good, where it is told if it failed.
  if (namespaces_) static_cast<void>(namespaces_->tell_to_end());
}

CloseReport NamespaceEnvelope::close() {
  const std::lock_guard only_one(closing_);
  CloseReport report;
  if (is_gone_) return report;
  host_->networks.give_way();
  const auto note = [&report](Status status) {
    if (!status) report.failures.push_back(std::move(status.error()));
    return report.failures.empty();
  };
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
  }
  if (namespaces_) {
    // No launch is waited for first: one that hangs inside ends by this as well.
    if (!note(namespaces_->tell_to_end())) return report;
    report.trace.mark("kill");
    // Every process is gone with init, so that what is lent comes back from nobody.
    if (!note(namespaces_->wait_gone())) return report;
    // Its end is heard of by the channel, and what still ran has ended with it.
    static_cast<void>(waiter_->wait_reaped(owner_, kKillBound));
    waiter_->forget_channel(owner_, namespaces_->channel()->fd());
    report.trace.mark("reap");
    const std::lock_guard lock(mutex_);
    namespaces_.reset();
  }
  // init has done so, but may have been killed, and saw no more than the owner of each.
  for (auto& output : lent_) note(output.lease.end());
  report.trace.mark("hand-back");
  if (!report.failures.empty()) return report;
  host_->networks.give_back(std::exchange(network_, {}), network_heir());
  lent_.clear();
  if (journal_ && !note(journal_->end())) return report;
  is_gone_ = true;
  return report;
}

}  // namespace buildjail
