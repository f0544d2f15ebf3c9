#include "freebsd/envelope.h"

#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>
#include <variant>

#include "base/back_off.h"
#include "envelope/session_errors.h"
#include "freebsd/devfs_ruleset.h"
#include "freebsd/holders.h"
#include "freebsd/jail_parameters.h"
#include "freebsd/launch.h"
#include "freebsd/nested_sources.h"
#include "freebsd/processes.h"
#include "freebsd/recovery.h"
#include "freebsd/shared_memory.h"
#include "freebsd/unread.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kReapBound{10000};
constexpr std::chrono::milliseconds kBusyBound{2000};
constexpr std::chrono::milliseconds kDyingBound{50};
constexpr std::chrono::milliseconds kUnreadBound{200};

IovecList file_system(const char* type, const std::string& path) {
  IovecList options;
  options.add_string("fstype", type);
  options.add_string("fspath", path);
  options.add_string("from", type);
  return options;
}

SysError still_there(const char* step, const char* syscall, int err, std::string detail, std::vector<Holder> holders) {
  if (!holders.empty()) detail += ", " + held_by(holders);
  return {.step = step,
          .syscall = syscall,
          .err = err,
          .path = {},
          .dest = {},
          .detail = std::move(detail),
          .holders = std::move(holders)};
}

std::string jail_name(const EnvelopePlan& plan, const std::string& id) {
  return "bj-" + (plan.name.empty() ? "" : plan.name + "-") + id;
}

JournalEntry entry_of(const EnvelopePlan& plan, const std::string& id) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {.id = id,
          .name = plan.name,
          .pid = ::getpid(),
          .started_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count(),
          .root = root_of(plan.state_directory, id),
          .jail = jail_name(plan, id),
          .user = plan.user.uid,
          .lent = {}};
}

}  // namespace

Result<std::unique_ptr<Envelope>> JailEnvelope::open(SharedPlan plan, const std::string& id,
                                                     std::shared_ptr<Waiter> waiter, std::shared_ptr<Host> host,
                                                     Trace trace) {
  auto directory = SessionDirectory::make(plan->state_directory, entry_of(*plan, id));
  if (!directory) return std::move(directory.error());
  trace.mark("session-directory");
  // Not make_unique: the constructor is private, as a half-opened envelope is nothing to have.
  std::unique_ptr<JailEnvelope> envelope(new JailEnvelope(std::move(plan), id, std::move(waiter), std::move(host),
                                                          std::move(*directory), std::move(trace)));
  auto built = envelope->build();
  if (built) return std::unique_ptr<Envelope>(std::move(envelope));
  SysError error = std::move(built.error());
  for (const auto& left : envelope->close().failures) {
    error.detail += "; and could not be undone: " + left.syscall + " '" + left.path + "', " + errno_name(left.err);
    if (!left.detail.empty()) error.detail += " (" + left.detail + ")";
  }
  return error;
}

Status JailEnvelope::build() {
  if (auto status = make_root(); !status) return status;
  if (auto status = perform_all(plan_->steps); !status) return status;
  if (!plan_->is_base) {
    if (auto status = seal_root({}); !status) return status;
  }
  return make_jail();
}

Status JailEnvelope::perform_all(const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    auto status = std::visit([this](const auto& one) { return perform(one); }, step);
    if (!status) return status;
  }
  return {};
}

Status JailEnvelope::complete(std::vector<Step> rest) {
  // Nothing of it is taken away meanwhile.
  const std::lock_guard not_closing(closing_);
  const std::lock_guard lock(launching_);
  if (is_closed_) return session_closed("complete", "nmount");
  if (is_complete_) return session_complete("complete", "nmount");
  trace_.resume();
  if (auto status = perform_all(rest); !status) return status;
  return seal_root(rest);
}

JailEnvelope::JailEnvelope(SharedPlan plan, std::string id, std::shared_ptr<Waiter> waiter,
                           std::shared_ptr<Host> host, SessionDirectory directory, Trace trace)
    : plan_(std::move(plan)),
      set_groups_(plan_->user.gid, plan_->user.groups),
      id_(std::move(id)),
      waiter_(std::move(waiter)),
      host_(std::move(host)),
      owner_(waiter_->new_owner()),
      trace_(std::move(trace)),
      directory_(std::move(directory)) {}

JailEnvelope::~JailEnvelope() {
  try {
    if (close().failures.empty()) return;
  } catch (...) {  // NOLINT(bugprone-empty-catch): no memory to tell of it, and nobody to tell
  }
  if (leases_.empty()) return;
  // What still is mounted can still be written to: the next recovery takes that away first. It is the journal that
  // tells of what is lent, so that stays, also where nothing is mounted any more.
  for (auto& lease : leases_) lease.release();
  directory_.keep();
}

Status JailEnvelope::make_root() {
  // No size, owner or mode: a tmpfs that was given one cannot be made read-only later (tmpfs_mount, its update
  // options).
  auto options = file_system("tmpfs", directory_.root());
  return mount_one(options, MNT_NOSUID, "/");
}

Status JailEnvelope::mount_one(IovecList& options, int flags, const std::string& target) {
  // Nothing of ours is mounted twice in one place; if something is, it is not ours to cover (mount(8)).
  options.add_flag("nocover");
  options.add_errmsg();
  const std::string path = target == "/" ? directory_.root() : inside(target);
  if (auto status = nmount_options(options, flags, "nmount", target); !status) return status;
  auto fsid = fsid_at(path);
  if (!fsid) {
    // Mounted, but not known by FSID: taken back by its path, as the stack cannot.
    static_cast<void>(unmount_target(path, 0));
    return std::move(fsid.error());
  }
  mounts_.push(std::move(*fsid), path);
  trace_.mark("nmount", target);
  return {};
}

Status JailEnvelope::perform(const MakeDirectory& directory) {
  const std::string path = inside(directory.target);
  if (::mkdir(path.c_str(), directory.mode) != 0) return last_error("mkdir", "mkdir", directory.target);
  // The umask is the host program's, and not ours to change.
  if (::chmod(path.c_str(), directory.mode) != 0) return last_error("mkdir", "chmod", directory.target);
  trace_.mark("mkdir", directory.target);
  return {};
}

Status JailEnvelope::perform(const MakeFile& file) {
  const UniqueFd made(::open(inside(file.target).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  if (!made) return last_error("create", "open", file.target);
  trace_.mark("create", file.target);
  return {};
}

Status JailEnvelope::perform(const MakeLink& link) {
  if (::symlink(link.value.c_str(), inside(link.target).c_str()) != 0)
    return last_error("symlink", "symlink", link.target);
  trace_.mark("symlink", link.target);
  return {};
}

Status JailEnvelope::perform(const MountTmpfs& tmpfs) {
  auto options = file_system("tmpfs", inside(tmpfs.target));
  if (tmpfs.size > 0) options.add_string("size", std::to_string(tmpfs.size));
  return mount_one(options, MNT_NOSUID, tmpfs.target);
}

Status JailEnvelope::perform(const MountDev& dev) {
  // Where it was there before, it is looked at once only: after the mount, which then holds it.
  const int known = host_->devfs_ruleset;
  if (known != 0) {
    auto mounted = mount_dev(dev, known);
    if (!mounted) return std::move(mounted.error());
    if (*mounted) return {};
  }
  auto ruleset = ensure_devfs_ruleset();
  if (!ruleset) return std::move(ruleset.error());
  host_->devfs_ruleset = *ruleset;
  auto mounted = mount_dev(dev, *ruleset);
  if (!mounted) return std::move(mounted.error());
  return *mounted ? Status() : not_our_ruleset(*ruleset);
}

Result<bool> JailEnvelope::mount_dev(const MountDev& dev, int ruleset) {
  devfs_ruleset_ = ruleset;
  auto options = file_system("devfs", inside(dev.target));
  options.add_string("ruleset", std::to_string(ruleset));
  if (auto status = mount_one(options, MNT_NOSUID | MNT_NOEXEC, dev.target); !status) return std::move(status.error());
  auto is_ours = is_devfs_ruleset_ours(ruleset);
  trace_.mark("verify-devfs", dev.target);
  if (!is_ours || *is_ours) return is_ours;
  auto failures = mounts_.unmount_down_to(mounts_.size() - 1, kBusyBound, trace_);
  if (!failures.empty()) return std::move(failures.front());
  return false;
}

Status JailEnvelope::perform(const MountProc& proc) {
  auto options = file_system("procfs", inside(proc.target));
  return mount_one(options, MNT_NOSUID | MNT_NOEXEC, proc.target);
}

Status JailEnvelope::perform(const Bind& bind) {
  auto source = PinnedSource::pin(bind);
  if (!source) return std::move(source.error());
  IovecList options;
  options.add_string("fstype", "nullfs");
  options.add_string("fspath", inside(bind.target));
  options.add_string("from", bind.source);
  // A socket of the host that lies in an input must not be a way out (mount_nullfs(8)).
  options.add_flag("nounixbypass");
  // As in mount_one.
  options.add_flag("nocover");
  options.add_errmsg();
  const int flags = MNT_NOSUID | (bind.is_writable ? 0 : MNT_RDONLY);
  if (auto status = nmount_options(options, flags, "nmount", bind.source); !status) {
    status.error().dest = bind.target;
    return status;
  }
  if (auto status = take_bind(*source, inside(bind.target)); !status) return status;
  trace_.mark("nmount", bind.target);
  return bind.is_writable ? lend_output(bind, source->release()) : Status();
}

// Whatever it shows, it is ours to take away.
Status JailEnvelope::take_bind(const PinnedSource& source, const std::string& path) {
  const auto device = source.verify(path);
  auto fsid = device ? nullfs_ids_.at(path, *device) : fsid_at(path);
  if (fsid) {
    mounts_.push(std::move(*fsid), path);
  } else {
    static_cast<void>(unmount_target(path, 0));
  }
  if (!device) return device.error();
  return fsid ? Status() : Status(std::move(fsid.error()));
}

Status JailEnvelope::lend_output(const Bind& bind, UniqueFd directory) {
  const Recovery recovery = recovery_of(plan_->state_directory);
  auto lease = OutputLease::take(plan_->state_directory, id_, bind, std::move(directory), recovery);
  if (!lease) return std::move(lease.error());
  auto before = lease->remember();
  if (!before) return std::move(before.error());
  if (auto status = directory_.journal().lend(*before); !status) return status;
  if (auto status = lease->hand_over(plan_->user); !status) return status;
  leases_.push_back(std::move(*lease));
  trace_.mark("hand-over", bind.target);
  return {};
}

Status JailEnvelope::seal_root(const std::vector<Step>& rest) {
  // Now that all mounts are there.
  std::vector<const Bind*> binds;
  for (const auto* steps : {&std::as_const(plan_->steps), &rest}) {
    for (const Step& step : *steps) {
      if (const auto* bind = std::get_if<Bind>(&step)) binds.push_back(bind);
    }
  }
  if (auto status = refuse_nested_sources(binds, plan_->state_directory, id_, host_->mounted); !status) return status;
  trace_.mark("nested-sources");
  auto options = file_system("tmpfs", directory_.root());
  options.add_errmsg();
  if (auto status = nmount_options(options, MNT_UPDATE | MNT_RDONLY | MNT_NOSUID, "seal-root", "/"); !status)
    return status;
  trace_.mark("seal-root", "/");
  is_complete_ = true;
  return {};
}

Status JailEnvelope::make_jail() {
  const std::string name = jail_name(*plan_, id_);
  auto jail = Jail::create({.name = name,
                            .path = directory_.root(),
                            .hostname = plan_->hostname,
                            .is_host_network = plan_->is_host_network,
                            .devfs_ruleset = devfs_ruleset_,
                            .meta = "buildjail=" + id_},
                           host_->abilities);
  if (!jail) return std::move(jail.error());
  jail_.emplace(std::move(*jail));
  trace_.mark("jail_set", name);
  return {};
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
  auto launched = launch_in_jail(jail_->reference(), plan_->user, set_groups_, request, stdio);
  if (!launched) {
    waiter_->forget(request.run);
    return std::move(launched.error());
  }
  std::erase_if(sockets_, [](const auto& socket) { return socket.expired(); });
  sockets_.insert(sockets_.end(), ends.sockets.begin(), ends.sockets.end());
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
  for (int look = 0; look < kMostLooks && jail_->has_its_number(); ++look) {
    auto found = signal_each_in(jail_->jid(), {.login_class = login_class_of(run), .except = command}, signal);
    if (!found) return std::move(found.error());
    if (*found == 0 || signal != SIGKILL) break;
  }
  return {};
}

Status JailEnvelope::kill_all() {
  const std::lock_guard lock(launching_);
  return is_closed_ ? Status() : kill_in_jail(*jail_);
}

Result<Record> JailEnvelope::record() {
  const std::lock_guard lock(launching_);
  if (is_closed_) return session_closed("record", "jail_get", ENOENT);
  Record record{.root = directory_.root(), .jail = {}, .mounts = {}, .namespaces = {}, .process = last_launched_};
  auto jail = get_jail(jail_->jid());
  if (!jail) return std::move(jail.error());
  // By its number, which is another jail's if somebody removed ours.
  if (!jail_->is_known()) {
    errno = ENOENT;
    return last_error("record", "jail_get", directory_.root());
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
  CloseReport report;
  if (is_gone_) return report;
  const auto note = [&report](Status status) {
    if (!status) report.failures.push_back(std::move(status.error()));
    return report.failures.empty();
  };
  {
    const std::lock_guard no_launch(launching_);
    is_closed_ = true;
  }
  // Each step stands on the one before: what still lives would only get in the way of what follows.
  if (!note(end_processes(report.trace))) return report;
  report.failures = take_mounts(report.trace);
  // Also where a mount stays: whoever holds it is no process of the build.
  const std::size_t left_mounted = report.failures.size();
  for (auto& lease : leases_) note(lease.end());
  if (report.failures.size() == left_mounted) leases_.clear();
  if (!report.failures.empty()) return report;
  if (!note(directory_.remove())) return report;
  report.trace.mark("rmdir");
  if (!note(see_jail_die())) return report;
  is_gone_ = true;
  return report;
}

Status JailEnvelope::end_processes(Trace& trace) {
  if (!jail_) return {};
  if (auto status = jail_->remove(); !status) return status;
  trace.mark("jail_remove");
  if (!waiter_->wait_reaped(owner_, kReapBound)) {
    return still_there("reap", "wait4", ETIMEDOUT, "a killed command did not end", processes_in_jail(jail_->jid()));
  }
  trace.mark("reap");
  if (auto status = jail_->wait_empty(); !status) {
    SysError& error = status.error();
    return still_there("empty-jail", "jail_remove", error.err, error.detail, processes_in_jail(jail_->jid()));
  }
  trace.mark("empty-jail");
  return {};
}

std::vector<SysError> JailEnvelope::take_mounts(Trace& trace) {
  constexpr std::size_t kRootAlone = 1;
  std::vector<SysError> failures;
  if (!sockets_.empty()) {
    failures = mounts_.unmount_down_to(kRootAlone, kUnreadBound, trace);
    if (!failures.empty()) drop_what_is_unread();
  }
  failures = mounts_.unmount_down_to(kRootAlone, kBusyBound, trace);
  return failures.empty() ? take_root(trace) : failures;
}

void JailEnvelope::drop_what_is_unread() {
  for (const auto& one : sockets_) {
    if (const auto socket = one.lock()) drop_unread(socket->get());
  }
}

std::vector<SysError> JailEnvelope::take_root(Trace& trace) {
  const bool is_held = jail_ && jail_->is_known();
  if (is_held) remove_shared_memory(directory_.root());
  auto failures = mounts_.unmount_down_to(0, is_held ? kDyingBound : kBusyBound, trace);
  // A dying jail holds its root directory, for as long as a connection of it is in TIME_WAIT (jail(8)). Where no
  // process does, the root's own tmpfs is nobody's but ours: that one may be forced.
  if (failures.empty() || !is_held || failures.front().err != EBUSY || !failures.front().holders.empty())
    return failures;
  failures.clear();
  if (auto status = mounts_.force_last(trace); !status) failures.push_back(std::move(status.error()));
  is_root_forced_ = failures.empty();
  return failures;
}

Status JailEnvelope::see_jail_die() {
  if (!is_root_forced_) return {};
  auto holders = holders_of_dying_jail(plan_->user.uid);
  // The kernel is done with it in a minute or two, and until then it takes nothing but a number (tcp(4), TIME_WAIT).
  if (holders.processes.empty() && holders.has_ending_connection) return {};
  drop_what_is_unread();
  BackOff back_off(kBusyBound);
  while (jail_->is_known()) {
    if (back_off.wait()) continue;
    return still_there("jail-dying", "jail_remove", EBUSY, "a descriptor that was opened in the jail is still open",
                       std::move(holders.processes));
  }
  return {};
}

}  // namespace buildjail
