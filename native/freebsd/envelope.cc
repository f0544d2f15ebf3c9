#include "freebsd/envelope.h"

#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "core/back_off.h"
#include "freebsd/devfs_ruleset.h"
#include "freebsd/launch.h"
#include "freebsd/pinned_source.h"
#include "freebsd/processes.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kReapBound{10000};
constexpr std::chrono::milliseconds kEmptyBound{10000};
constexpr std::chrono::milliseconds kBusyBound{2000};
constexpr std::chrono::milliseconds kDyingBound{50};

IovecList file_system(const char* type, const std::string& path) {
  IovecList options;
  options.add_string("fstype", type);
  options.add_string("fspath", path);
  options.add_string("from", type);
  return options;
}

}  // namespace

Result<std::unique_ptr<Envelope>> JailEnvelope::open(EnvelopePlan plan, const std::string& id,
                                                     std::shared_ptr<ExitWaiter> waiter,
                                                     const std::vector<JailParameter>& known) {
  Trace trace;
  auto state = StateFileSystem::hold(plan.state_directory);
  if (!state) return std::move(state.error());
  trace.mark("state-directory", plan.state_directory);
  auto directory = SessionDirectory::make(plan.state_directory, id);
  if (!directory) return std::move(directory.error());
  trace.mark("session-directory");
  // Not make_unique: the constructor is private, as a half-opened envelope is nothing to have.
  std::unique_ptr<JailEnvelope> envelope(
      new JailEnvelope(std::move(plan), std::move(waiter), std::move(*state), std::move(*directory), std::move(trace)));
  auto built = envelope->build(id, known);
  if (built) return std::unique_ptr<Envelope>(std::move(envelope));
  SysError error = std::move(built.error());
  for (const auto& left : envelope->close().failures) {
    error.detail += "; and could not be undone: " + left.syscall + " '" + left.path + "', " + errno_name(left.err);
  }
  return error;
}

Status JailEnvelope::build(const std::string& id, const std::vector<JailParameter>& known) {
  if (auto status = make_root(); !status) return status;
  for (const Step& step : plan_.steps) {
    auto status = std::visit([this](const auto& one) { return perform(one); }, step);
    if (!status) return status;
  }
  if (auto status = seal_root(); !status) return status;
  return make_jail(id, known);
}

JailEnvelope::JailEnvelope(EnvelopePlan plan, std::shared_ptr<ExitWaiter> waiter, StateFileSystem state,
                           SessionDirectory directory, Trace trace)
    : plan_(std::move(plan)),
      waiter_(std::move(waiter)),
      owner_(reinterpret_cast<std::uintptr_t>(this)),
      trace_(std::move(trace)),
      state_(std::move(state)),
      directory_(std::move(directory)) {}

JailEnvelope::~JailEnvelope() {
  try {
    static_cast<void>(close());
  } catch (...) {  // NOLINT(bugprone-empty-catch): no memory to tell of it, and nobody to tell
  }
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
  auto ruleset = ensure_devfs_ruleset();
  if (!ruleset) return std::move(ruleset.error());
  devfs_ruleset_ = *ruleset;
  auto options = file_system("devfs", inside(dev.target));
  options.add_string("ruleset", std::to_string(devfs_ruleset_));
  if (auto status = mount_one(options, MNT_NOSUID | MNT_NOEXEC, dev.target); !status) return status;
  // Again: between the look and the mount the rules could have gone, and now the mount holds them.
  if (auto status = verify_devfs_ruleset(devfs_ruleset_); !status) return status;
  trace_.mark("verify-devfs", dev.target);
  return {};
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
  const int flags = MNT_NOSUID | (bind.is_writable ? 0 : MNT_RDONLY);
  if (auto status = mount_one(options, flags, bind.target); !status) {
    status.error().path = bind.source;
    status.error().dest = bind.target;
    return status;
  }
  if (auto status = source->verify(inside(bind.target)); !status) return status;
  return bind.is_writable ? lend_output(bind, source->release()) : Status();
}

Status JailEnvelope::lend_output(const Bind& bind, UniqueFd directory) {
  auto lease = OutputLease::take(plan_.state_directory, bind, std::move(directory));
  if (!lease) return std::move(lease.error());
  if (auto status = lease->hand_over(plan_.user); !status) return status;
  leases_.push_back(std::move(*lease));
  trace_.mark("hand-over", bind.target);
  return {};
}

Status JailEnvelope::seal_root() {
  auto options = file_system("tmpfs", directory_.root());
  options.add_errmsg();
  if (auto status = nmount_options(options, MNT_UPDATE | MNT_RDONLY | MNT_NOSUID, "seal-root", "/"); !status)
    return status;
  trace_.mark("seal-root", "/");
  return {};
}

Status JailEnvelope::make_jail(const std::string& id, const std::vector<JailParameter>& known) {
  const std::string name = "bj-" + (plan_.name.empty() ? "" : plan_.name + "-") + id;
  auto jail = Jail::create({.name = name,
                            .path = directory_.root(),
                            .hostname = plan_.hostname,
                            .is_host_network = plan_.is_host_network,
                            .devfs_ruleset = devfs_ruleset_,
                            .meta = "buildjail=" + id},
                           known);
  if (!jail) return std::move(jail.error());
  jail_.emplace(std::move(*jail));
  trace_.mark("jail_set", name);
  return {};
}

Result<pid_t> JailEnvelope::launch(LaunchRequest request, StdioEnds ends) {
  const std::lock_guard lock(launching_);
  if (is_closed_)
    return SysError{.step = "launch",
                    .syscall = "jail_attach",
                    .err = ECANCELED,
                    .path = {},
                    .dest = {},
                    .detail = "the session is closed"};
  if (auto status = ends.open_files(request); !status) return std::move(status.error());
  auto pid = launch_in_jail(jail_->jid(), plan_.user, request, ends);
  if (!pid) return pid;
  // Before anybody waits for it: until then even a command that is over already can be looked at.
  last_launched_ = credentials_of(*pid);
  if (auto status = waiter_->adopt(*pid, owner_, request, ends); !status) return std::move(status.error());
  return pid;
}

Status JailEnvelope::kill_all() {
  const std::lock_guard lock(launching_);
  return is_closed_ ? Status() : kill_in_jail(jail_->jid());
}

Result<Record> JailEnvelope::record() {
  const std::lock_guard lock(launching_);
  if (is_closed_)
    return SysError{.step = "record",
                    .syscall = "jail_get",
                    .err = ENOENT,
                    .path = {},
                    .dest = {},
                    .detail = "the session is closed"};
  Record record{.root = directory_.root(), .jail = {}, .mounts = {}, .namespaces = {}, .process = last_launched_};
  auto jail = get_jail(jail_->jid());
  if (!jail) return std::move(jail.error());
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
  if (!note(take_mounts(report.trace))) return report;
  for (auto& lease : leases_) note(lease.end());
  if (!report.failures.empty()) return report;
  leases_.clear();
  if (!note(directory_.remove())) return report;
  if (!note(state_.release())) return report;
  report.trace.mark("rmdir");
  is_gone_ = true;
  return report;
}

Status JailEnvelope::end_processes(Trace& trace) {
  if (!jail_) return {};
  if (auto status = jail_->remove(); !status) return status;
  trace.mark("jail_remove");
  if (!waiter_->wait_reaped(owner_, kReapBound)) {
    return SysError{.step = "reap",
                    .syscall = "wait4",
                    .err = ETIMEDOUT,
                    .path = {},
                    .dest = {},
                    .detail = "a killed command did not end"};
  }
  trace.mark("reap");
  BackOff back_off(kEmptyBound);
  // The jail itself may stay for a while, dying, for a socket's sake (jail(8)); no process of it may.
  while (jail_->is_known()) {
    const auto occupied = has_processes(jail_->jid());
    if (occupied && !*occupied) break;
    if (!back_off.wait()) {
      return SysError{.step = "empty-jail",
                      .syscall = "jail_remove",
                      .err = EBUSY,
                      .path = {},
                      .dest = {},
                      .detail = "a process of the jail does not end"};
    }
  }
  trace.mark("empty-jail");
  return {};
}

Status JailEnvelope::take_mounts(Trace& trace) {
  constexpr std::size_t kRootAlone = 1;
  if (auto status = mounts_.unmount_down_to(kRootAlone, kBusyBound, trace); !status) return status;
  // A dying jail holds its root directory, for as long as a connection of it is in TIME_WAIT (jail(8)). No process is
  // left that could, and the root's own tmpfs is nobody's but ours: that one may be forced.
  const bool is_held = jail_ && jail_->is_known();
  auto status = mounts_.unmount_down_to(0, is_held ? kDyingBound : kBusyBound, trace);
  return !status && is_held ? mounts_.force_last(trace) : status;
}

}  // namespace buildjail
