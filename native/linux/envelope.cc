#include "linux/envelope.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <utility>

#include "base/back_off.h"
#include "envelope/commands.h"
#include "envelope/session_errors.h"
#include "envelope/state_entry.h"
#include "linux/init/messages.h"
#include "linux/parts/init.h"
#include "linux/parts/network.h"
#include "linux/parts/rest.h"
#include "linux/parts/watched_output.h"
#include "linux/proc_files.h"
#include "linux/process_tree.h"
#include "linux/recovery.h"

namespace buildjail {

namespace {

/** In which init answers that it has killed everything. */
constexpr std::chrono::milliseconds kKillBound{1000};
constexpr std::chrono::milliseconds kPidBound{1000};
/** No job has this number. Also in src/native/jobs.ts. */
constexpr std::uint32_t kLookingRun = 0xffffffff;

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
                                                          std::shared_ptr<Waiter> waiter,
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

NamespaceEnvelope::NamespaceEnvelope(SharedPlan plan, std::string id, std::shared_ptr<Waiter> waiter,
                                     std::shared_ptr<LinuxHost> host, Trace trace)
    : plan_(std::move(plan)),
      id_(std::move(id)),
      waiter_(std::move(waiter)),
      host_(std::move(host)),
      owner_(waiter_->new_owner()),
      trace_(std::move(trace)),
      inside_(waiter_, owner_),
      journal_(journal_of(plan_->state_directory, id_)) {}

Result<Parts> NamespaceEnvelope::parts(const std::vector<Step>& steps, bool is_rest) {
  Parts parts;
  if (!is_rest) parts.push_back(std::make_unique<StateEntry>(journal_, id_, plan_->name));
  std::vector<const OutputLease*> outputs;
  for (const Step& step : steps) {
    const auto* const bind = std::get_if<Bind>(&step);
    if (bind == nullptr || !bind->is_writable) continue;
    if (output_count_++ == kMostLent) return too_many(bind->source);
    auto lease = std::make_unique<OutputLease>(plan_->state_directory, id_, *bind, recovery_of(plan_->state_directory));
    outputs.push_back(lease.get());
    parts.push_back(std::move(lease));
  }
  if (is_rest) {
    parts.push_back(std::make_unique<Rest>(inside_, steps));
  } else {
    auto network = std::make_unique<NetworkPart>(*plan_, host_->networks, outputs);
    auto init = std::make_unique<InitPart>(inside_, *plan_, *host_, *network);
    parts.push_back(std::move(network));
    parts.push_back(std::move(init));
  }
  // Not before there is an init, which hands them back should this process be killed.
  for (const OutputLease* const output : outputs)
    parts.push_back(std::make_unique<WatchedOutput>(inside_, *output, setup(), build_user_outside(plan_->user)));
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
  return is_closed_ ? nullptr : inside_.get();
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
  const std::lock_guard one_at_a_time(signalling_);
  // The command may have ended while this waited, and its number may be another process's.
  pid = waiter_->pid_of(run);
  if (signal != SIGKILL) {
    if (!pid) return {};
    auto signalled = buildjail::signal_tree(*pid, signal);
    const std::lock_guard lock(mutex_);
    signalled_.insert_or_assign(run, std::move(signalled));
    return {};
  }
  if (pid) kill_tree(*pid);
  std::vector<UniqueFd> left;
  {
    const std::lock_guard lock(mutex_);
    if (auto found = signalled_.extract(run); !found.empty()) left = std::move(found.mapped());
  }
  for (const UniqueFd& one : left) {
    if (const auto still = pid_of_descriptor(one.get())) kill_tree(*still);
  }
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
                           .ended =
                               [tell](const Result<Exit>& exit) {
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
