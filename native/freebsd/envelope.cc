#include "freebsd/envelope.h"

#include <sys/ioctl.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/back_off.h"
#include "base/unique_fd.h"
#include "envelope/full_tmp.h"
#include "envelope/output.h"
#include "freebsd/child.h"
#include "freebsd/jail_child.h"
#include "freebsd/jail_parameters.h"
#include "freebsd/limits.h"
#include "freebsd/mounts.h"
#include "freebsd/parts.h"
#include "freebsd/path_trace.h"
#include "freebsd/processes.h"
#include "freebsd/session_jail.h"
#include "launch/terminal.h"
#include "state/journal.h"

namespace buildjail {

namespace {

constexpr mode_t kUmask = 022;
constexpr std::chrono::milliseconds kKillBound{2000};
/** The time of a launch that is not stalled. */
constexpr std::chrono::milliseconds kLaunchBound{100};

// The kernel looks once a second, and more often if memory is short (vm_daemon in sys/vm/vm_swapout.c). A launch may
// take that long on a host that is busy as well. A launch that a build kills is tried again too, but not for ever.
constexpr int kMoreLaunches = 9;

/**
 * The login class (setloginclass(2)) of a command and everything that it starts: a process inherits it, and only root
 * changes its own. It limits nothing here; it tells the processes of one command from those of others.
 */
std::string login_class_of(std::uint32_t run) { return "bj-" + std::to_string(run); }

/** A terminal of the host (pts(4)) that was made for a command. */
struct OpenedTerminal {
  UniqueFd master;
  /** The path of the other side, which only the command's process opens. */
  std::string path;
};

Result<OpenedTerminal> open_terminal(const CommandTerminal& terminal) {
  UniqueFd master = above_stdio(UniqueFd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)));
  if (!master) return last_error("terminal", "posix_openpt");
  if (::fcntl(master.get(), F_SETFL, O_NONBLOCK) != 0) return last_error("terminal", "fcntl");
  unsigned number = 0;
  if (::ioctl(master.get(), TIOCGPTN, &number) != 0) return last_error("terminal", "ioctl");
  if (::ioctl(master.get(), TIOCSWINSZ, &terminal.size) != 0) return last_error("terminal", "ioctl");
  return OpenedTerminal{.master = std::move(master), .path = "/dev/pts/" + std::to_string(number)};
}

constexpr const char* kKillStep = "kill";

/** Kills every process of the jail but itself (kill(2), pid -1), in a child. Returns the call that failed. */
const char* kill_everything(const JailReference& jail) {
  // jail_attach(2) refuses a process that has a directory open, and the parent may have any.
  if (::close_range(0, ~0U, 0) != 0) return "close_range";
  const char* failed = enter_jail(jail);
  if (failed == nullptr && ::kill(-1, SIGKILL) != 0) failed = "kill";
  // ESRCH: this is another jail, and ours is gone with all its processes; or no process is left in it (kill(2)).
  return errno == ESRCH ? nullptr : failed;
}

/** Sends SIGKILL to every process of a jail, which stays. ETIMEDOUT: processes inside killed the killer each time. */
Status kill_in_jail(const Jail& jail) {
  BackOff back_off(kKillBound);
  do {
    auto killed = in_child(kKillStep, [&jail] { return kill_everything(jail.reference()); });
    if (!killed && killed.error().syscall == "vfork" && killed.error().err != ECANCELED) return killed;
    if (killed || killed.error().err != ECANCELED) {
      // A root build can take this privilege from its jail, and no process inside can give it back. So if the jail has
      // it now, it had it when the child killed.
      const auto has_root = jail.is_root_privileged();
      if (!has_root) return has_root.error();
      // defence: everything-killed-though-build
      if (*has_root) return killed;
      // Every process that could take it again is dead: they had the child's own user.
      if (auto status = jail.privilege_root(); !status) return status;
      continue;
    }
    // Root inside may kill the child first, and a process that does nothing else does so each time. After that process
    // is killed from outside, the next child kills the rest by one call.
    if (!jail.has_its_number()) continue;
    if (auto killed_each = signal_each_in(jail.jid(), SIGKILL); !killed_each) return std::move(killed_each.error());
  } while (back_off.wait());
  return SysError{.step = kKillStep,
                  .syscall = "kill",
                  .err = ETIMEDOUT,
                  .detail = "the processes killed the process that was to kill them, each time"};
}

/**
 * Sends SIGKILL to the processes that were killed until none is left. Once is not enough: kill(2) of all leaves out a
 * process that is being made (PRS_NEW, kill_processes_prison_cb in sys/kern/kern_sig.c). And SIGSTOP, which another
 * process may have sent before it ended, stops a process that has not ended yet (tdsendsignal in sys/kern/kern_sig.c).
 * Closing the session waits for processes that do not end.
 */
Status end_each_in(const Jail& jail) {
  BackOff back_off(kKillBound);
  while (jail.has_its_number()) {
    const auto left = signal_each_in(jail.jid(), SIGKILL);
    if (!left) return left.error();
    if (*left == 0 || !back_off.wait()) break;
  }
  return {};
}

/** A jail and its mounts. */
class JailEnvelope final : public Envelope {
 public:
  JailEnvelope(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter, std::shared_ptr<FreebsdHost> host,
               Trace trace)
      : plan_(std::move(plan)),
        jail_name_(std::string(kJailPrefix) + (plan_->name.empty() ? "" : plan_->name + "-") + lessee.session.id),
        limits_log_(jail_name_),
        set_groups_(plan_->user.gid, plan_->user.groups),
        lessee_(std::move(lessee)),
        waiter_(std::move(waiter)),
        host_(std::move(host)),
        owner_(waiter_->new_owner()),
        trace_(std::move(trace)),
        path_trace_(plan_->traces ? std::make_unique<PathTrace>() : nullptr),
        jail_{.root = root_of(plan_->state_directory, lessee_.session.id),
              .leasable = {.first = plan_->user.uid, .count = plan_->users},
              .wait_reaped = [this](std::chrono::milliseconds bound) { return waiter_->wait_reaped(owner_, bound); }},
        journal_(journal_of(plan_->state_directory, lessee_.session.id)) {}

  /** To be called first. */
  Status open(const Copying& copying) {
    auto limits = held_limits(plan_->limits);
    if (!limits) return std::move(limits.error());
    limits_ = std::move(*limits);
    if (has_own_stack(plan_->network)) host_->dying_networks.wait_until_few();
    if (auto status = walk_.open(parts(plan_->steps, false, copying), journal_, trace_); !status) return status;
    is_complete_ = !plan_->is_base;
    return {};
  }

  [[nodiscard]] const Trace& trace() const override { return trace_; }
  Status complete(std::vector<Step> rest, const Copying& copying) override {
    // No part may be taken away meanwhile.
    const std::lock_guard not_closing(closing_);
    const std::lock_guard lock(launching_);
    if (is_closed_) return session_closed("complete", "nmount");
    if (is_complete_ || !rest_.empty()) return session_complete("nmount");
    rest_ = std::move(rest);
    trace_.resume();
    auto status = walk_.add(parts(rest_, true, copying), journal_, trace_);
    is_complete_ = static_cast<bool>(status);
    return status;
  }

  Status launch(Launching launching) override {
    auto& [request, ends, listener] = launching;
    const std::lock_guard lock(launching_);
    if (is_closed_) return session_closed("launch", "jail_attach");
    if (!is_complete_) return session_incomplete("jail_attach");
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
    if (*terminal) {
      if (auto status = ends.connect_terminal(**terminal, std::move(opened.master)); !status) return status;
    }
    const auto stdio = ends.numbers();
    const auto signal = [](pid_t pid, int sent) { return pid > 0 && ::kill(-pid, sent) == 0; };
    Child child{.run = request.run, .owner = owner_, .listener = std::move(listener), .signal = signal};
    if (auto status = waiter_->expect_process(std::move(child), request, ends); !status) return status;
    // A close that did not wait for this finds the launch expected, or is seen here.
    if (is_closed_) {
      waiter_->forget(request.run);
      return session_closed("launch", "jail_attach");
    }
    auto pid = start(request, stdio, opened, *terminal ? &**terminal : nullptr);
    if (!pid) {
      waiter_->forget(request.run);
      return std::move(pid.error());
    }
    waiter_->mover().opened(request.run);
    std::erase_if(jail_.sockets, [](const auto& socket) { return socket.expired(); });
    jail_.sockets.insert(jail_.sockets.end(), ends.sockets.begin(), ends.sockets.end());
    waiter_->found_pid(request.run, *pid);
    if (request.tells_started) waiter_->started(request.run);
    return waiter_->watch_process(request.run, *pid);
  }

  Status signal_tree(std::uint32_t run, int signal) override {
    if (signal == SIGKILL) return kill_tree(run);
    const auto lock = launch_awaited(kLaunchBound);
    if (is_closed_) return {};
    // The command comes first, so that the signal ends it, and not its reaction to the end of its children.
    const pid_t command = waiter_->pid_of(run).value_or(0);
    if (command > 0) static_cast<void>(::kill(command, signal));
    if (!jail_.jail->has_its_number()) return {};
    const auto found = signal_each_in(jail_.jail->jid(), signal, login_class_of(run), command);
    return found ? Status() : found.error();
  }

  Status kill_all() override {
    const auto lock = launch_awaited(kLaunchBound);
    if (is_closed_) return {};
    auto status = lock ? kill_in_jail(*jail_.jail) : Status();
    // defence: everything-killed-until-ended
    if (status) status = end_each_in(*jail_.jail);
    return status;
  }

  Result<UniqueFd> open_root() override {
    const std::lock_guard lock(launching_);
    if (is_closed_) return session_closed("keep", "open", ENOENT);
    UniqueFd opened(::open(jail_.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened) return last_error("keep", "open", jail_.root);
    return opened;
  }

  std::vector<Layer> layers() override {
    const std::lock_guard lock(launching_);
    std::vector<Layer> found;
    if (is_closed_) return found;
    const auto add = [&](const std::vector<Step>& steps) {
      for (const Bind* const overlay : overlays_of(steps))
        found.push_back({.target = overlay->target, .source = overlay->source, .path = jail_.root + overlay->target});
    };
    add(plan_->steps);
    add(rest_);
    return found;
  }

  Result<Record> record() override {
    const std::lock_guard lock(launching_);
    if (is_closed_) return session_closed("record", "jail_get", ENOENT);
    Record record{.root = jail_.root, .user = jail_.user, .process = last_launched_, .limits = limits_.applied};
    auto jail = get_jail(jail_.jail->jid());
    if (!jail) return std::move(jail.error());
    // The number is another jail's if a user of the host removed ours.
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

  [[nodiscard]] std::vector<std::byte> seen_paths() const override {
    return path_trace_ ? path_trace_->pack() : std::vector<std::byte>();
  }

  Result<SessionUsage> usage() override {
    const auto lock = launch_awaited(kLaunchBound);
    if (is_closed_) return session_closed("usage", "rctl_get_racct");
    return used_by(jail_name_);
  }

  Result<std::vector<SessionProcess>> processes() override {
    const auto lock = launch_awaited(kLaunchBound);
    if (is_closed_) return std::vector<SessionProcess>();
    return processes_in(jail_.jail->jid());
  }

  std::optional<Limit> full_tmp() override {
    // The holder of the lock may be waiting for this thread.
    const std::unique_lock lock(launching_, std::try_to_lock);
    return lock && !is_closed_ ? buildjail::full_tmp(jail_.root, plan_->steps) : std::nullopt;
  }

  LimitsMet limits_met() override { return limits_.rules.empty() ? LimitsMet() : limits_log_.met(); }

  CloseReport close() override {
    const std::lock_guard only_one(closing_);
    is_closed_ = true;
    // This waits for the child of a launch that goes on as for any other process, and names it.
    static_cast<void>(launch_awaited(kKillBound));
    return walk_.take_away();
  }

 private:
  /**
   * Waits for a launch that is under way, up to the bound. Its child may be in the kernel for as long as the build
   * wants, if it looks up a file that another process holds in a call that no signal ends. Killing and looking need
   * nothing that a launch changes.
   */
  std::unique_lock<std::timed_mutex> launch_awaited(std::chrono::milliseconds bound) {
    // defence: stalled-launch-not-awaited
    return std::unique_lock(launching_, bound);
  }

  /** Kills until all processes have ended, because one signal may not be enough (end_each_in). */
  Status kill_tree(std::uint32_t run) {
    // A build can fork faster than this looks. The processes that are left then end with their session.
    BackOff back_off(kKillBound);
    do {
      const auto lock = launch_awaited(kLaunchBound);
      if (is_closed_) return {};
      static_cast<void>(waiter_->signal(run, SIGKILL));
      if (!jail_.jail->has_its_number()) return {};
      const auto found = signal_each_in(jail_.jail->jid(), SIGKILL, login_class_of(run));
      if (!found) return found.error();
      // defence: freebsd-tree-killed-until-ended
      if (*found == 0 && !waiter_->is_expected(run)) return {};
    } while (back_off.wait());
    return {};
  }

  /** In the order in which they are made. */
  Parts parts(const std::vector<Step>& steps, bool is_rest, const Copying& copying) {
    nesting_ = is_rest ? nesting_in(steps, plan_->steps) : nesting_in(steps);
    JailOpening opening{
        {.plan = *plan_,
         .steps = steps,
         .nesting = nesting_,
         .is_rest = is_rest,
         .lessee = lessee_,
         .journal = journal_,
         .lent_as = [this] { return lent_as(); },
         .look_at_mounts = [this](std::vector<ShownSource>& sources) { return host_->mounts_of_sources.look(sources); },
         .end_processes = [this](TakingAway& taking) { return jail_.end_processes(taking); },
         .end_flows = [this](std::chrono::milliseconds bound) { return waiter_->mover().end(owner_, bound); },
         .root = jail_.root,
         .copying = copying},
        jail_,
        *host_,
        limits_,
        jail_name_,
        path_trace_.get()};
    return JailParts::planned(opening);
  }

  [[nodiscard]] LentAs lent_as() const {
    // No other user of the host has a leased id, so a file with that id is the build's.
    std::optional<BuildIds> ids;
    if (plan_->users != 0)
      ids = BuildIds{.first = jail_.user.uid, .count = 1, .gid = jail_.user.gid, .are_shared = false};
    return {.user = jail_.user, .ids = ids, .is_left_as_built = plan_->ownership == Ownership::kBuild};
  }

  /** Starts a command in the jail, and notes its credentials. */
  Result<pid_t> start(LaunchRequest& request, const std::array<int, 3>& stdio, const OpenedTerminal& opened,
                      const CommandTerminal* terminal) {
    const auto limits = process_limits(request.limits);
    if (!limits) return limits.error();
    const auto pipe_memory = most_pipe_memory(jail_.user.uid);
    if (!pipe_memory) return pipe_memory.error();
    const std::string login_class = login_class_of(request.run);
    JailChild child{.jail = jail_.jail->reference(),
                    .trace_file = path_trace_ ? path_trace_->file() : nullptr,
                    .stdio = stdio,
                    .terminal_path = opened.path.c_str(),
                    .terminal = terminal,
                    .login_class = login_class.c_str(),
                    .working_directory = request.working_directory.c_str(),
                    .umask = kUmask,
                    .groups = &set_groups_,
                    .limits = *limits,
                    .most_pipe_memory = *pipe_memory,
                    .uid = jail_.user.uid,
                    .gid = jail_.user.gid,
                    .parent_death_signal = SIGKILL};
    // defence: limits-memory-host-program
    const int more_launches = plan_->limits.memory ? kMoreLaunches : 0;
    auto pid = start_jail_child(child, request, more_launches);
    if (!pid) {
      if (pid.error().syscall == "lstat" && pid.error().err == ESRCH)
        pid.error().detail = "the session's jail was removed by somebody else";
      return pid;
    }
    if (path_trace_) path_trace_->launched(*pid);
    last_launched_.reset();
    // Otherwise it was killed before it could ask the kernel.
    if (child.self.ki_pid == *pid) {
      last_launched_ = credentials_in(child.self);
      // A process inside sees its own jail as 0.
      last_launched_->jid = jail_.jail->jid();
    }
    return pid;
  }

  SharedPlan plan_;
  /** The name of its jail. */
  std::string jail_name_;
  HeldLimits limits_;
  LimitsLog limits_log_;
  /** The steps that completed a base. */
  std::vector<Step> rest_;
  /** The nesting of the steps that are being made. */
  Nesting nesting_;
  SetGroups set_groups_;
  Lessee lessee_;
  std::shared_ptr<Waiter> waiter_;
  std::shared_ptr<FreebsdHost> host_;
  /** The number under which the waiter keeps its commands. */
  std::uint64_t owner_;
  Trace trace_;
  /** Null without a trace. */
  std::unique_ptr<PathTrace> path_trace_;
  std::mutex closing_;
  std::timed_mutex launching_;
  /** No command can be launched any more. */
  std::atomic<bool> is_closed_ = false;
  /** Its root is sealed, so commands may be launched. */
  bool is_complete_ = false;
  std::optional<Credentials> last_launched_;
  SessionJail jail_;
  Journal journal_;
  /** The last member, because its parts refer to those above. */
  Walk walk_;
};

}  // namespace

Result<std::unique_ptr<Envelope>> open_jail_envelope(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter,
                                                     std::shared_ptr<FreebsdHost> host, Trace trace,
                                                     const Copying& copying) {
  auto envelope = std::make_unique<JailEnvelope>(std::move(plan), std::move(lessee), std::move(waiter), std::move(host),
                                                 std::move(trace));
  if (auto status = envelope->open(copying); !status) return std::move(status.error());
  return std::unique_ptr<Envelope>(std::move(envelope));
}

}  // namespace buildjail
