#include "linux/envelope.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/session_directory.h"
#include "linux/bind_source.h"
#include "linux/launch.h"
#include "linux/proc_files.h"

namespace buildjail {

namespace {

SysError closed(const char* step, const char* syscall, int err) {
  return {.step = step, .syscall = syscall, .err = err, .path = {}, .dest = {}, .detail = "the session is closed"};
}

/** An output, held open; ESTALE when it is another directory by now than when it was planned. */
Result<UniqueFd> open_output(const Bind& bind) {
  UniqueFd directory(::open(bind.source.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) return last_error("pin-source", "open", bind.source);
  struct stat found{};
  if (::fstat(directory.get(), &found) != 0) return last_error("pin-source", "fstat", bind.source);
  if (is_planned(bind, found)) return directory;
  return SysError{
      .step = "pin-source", .syscall = "fstat", .err = ESTALE, .path = bind.source, .dest = {}, .detail = kStaleSource};
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

Result<std::unique_ptr<Envelope>> NamespaceEnvelope::open(EnvelopePlan plan, const std::string& id,
                                                          std::shared_ptr<ExitWaiter> waiter,
                                                          std::shared_ptr<Host> host) {
  if (needs_user_namespace() && !plan.user.groups.empty()) {
    return SysError{.step = "user",
                    .syscall = "setgroups",
                    .err = EPERM,
                    .path = {},
                    .dest = {},
                    .detail = "supplementary groups can be given by root only (user_namespaces(7), setgroups)"};
  }
  // Not make_unique: the constructor is private, as a half-opened envelope is nothing to have.
  std::unique_ptr<NamespaceEnvelope> envelope(
      new NamespaceEnvelope(std::move(plan), std::move(waiter), std::move(host)));
  if (auto status = make_private_directory(envelope->plan_.state_directory); !status) return std::move(status.error());
  envelope->trace_.mark("state-directory");
  if (auto status = envelope->take_outputs(); !status) return std::move(status.error());
  if (auto status = envelope->make_namespaces(id); !status) return std::move(status.error());
  return std::unique_ptr<Envelope>(std::move(envelope));
}

NamespaceEnvelope::NamespaceEnvelope(EnvelopePlan plan, std::shared_ptr<ExitWaiter> waiter, std::shared_ptr<Host> host)
    : plan_(std::move(plan)),
      waiter_(std::move(waiter)),
      host_(std::move(host)),
      owner_(reinterpret_cast<std::uintptr_t>(this)) {}

NamespaceEnvelope::~NamespaceEnvelope() { static_cast<void>(close()); }

Status NamespaceEnvelope::take_outputs() {
  for (const Step& step : plan_.steps) {
    const auto* bind = std::get_if<Bind>(&step);
    if (bind == nullptr || !bind->is_writable) continue;
    auto directory = open_output(*bind);
    if (!directory) return std::move(directory.error());
    auto lease = OutputLease::take(plan_.state_directory, *bind, std::move(*directory));
    if (!lease) return std::move(lease.error());
    // In a user namespace the build user is the caller under another number, who has what rights the caller has.
    auto status = needs_user_namespace() ? lease->remember() : lease->hand_over(plan_.user);
    if (!status) return status;
    leases_.push_back(std::move(*lease));
    trace_.mark("hand-over", bind->target);
  }
  return {};
}

Status NamespaceEnvelope::make_namespaces(const std::string& id) {
  const bool takes_spare = !plan_.is_host_network && !needs_user_namespace();
  const UniqueFd network = takes_spare ? host_->network.take() : UniqueFd();
  auto made = Namespaces::make(plan_, id, host_->init_image.get(), network, trace_);
  if (!made) return std::move(made.error());
  namespaces_ = std::make_shared<Namespaces>(std::move(*made));
  if (takes_spare) host_->network.replace();
  return {};
}

std::shared_ptr<Namespaces> NamespaceEnvelope::namespaces() {
  const std::lock_guard lock(mutex_);
  return is_closed_ ? nullptr : namespaces_;
}

Result<pid_t> NamespaceEnvelope::launch(LaunchRequest request, StdioEnds ends) {
  const auto inside = namespaces();
  if (!inside) return closed("launch", "setns", ECANCELED);
  if (auto status = ends.open_files(request); !status) return std::move(status.error());
  if (auto status = give_pipes(request, ends, plan_.user); !status) return std::move(status.error());
  auto pid = launch_in_namespaces(*inside, plan_.user, request, ends);
  // The child changed its ids while it shared our memory, and with that whether that memory may be dumped.
  if (host_->is_dumpable) static_cast<void>(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
  if (!pid && !namespaces()) return closed("launch", "setns", ECANCELED);
  if (!pid) return pid;
  // Before anybody waits for it: until then even a command that is over already can be looked at.
  auto credentials = credentials_of(*pid);
  {
    const std::lock_guard lock(mutex_);
    last_launched_ = std::move(credentials);
  }
  if (auto status = waiter_->adopt(*pid, owner_, request, ends); !status) return std::move(status.error());
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
  if (!inside) return closed("record", "open", ENOENT);
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
  if (namespaces_) static_cast<void>(namespaces_->kill_init());
}

CloseReport NamespaceEnvelope::close() {
  const std::lock_guard only_one(closing_);
  CloseReport report;
  if (is_gone_) return report;
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
    if (!note(namespaces_->kill_init())) return report;
    report.trace.mark("kill");
    // Every process is gone with init, so that what is lent comes back from nobody.
    if (!note(namespaces_->wait_gone())) return report;
    report.trace.mark("reap");
    const std::lock_guard lock(mutex_);
    namespaces_.reset();
  }
  for (auto& lease : leases_) note(lease.end());
  if (!report.failures.empty()) return report;
  leases_.clear();
  report.trace.mark("hand-back");
  is_gone_ = true;
  return report;
}

}  // namespace buildjail
