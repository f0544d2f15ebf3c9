#include "linux/session_namespaces.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "base/unique_fd.h"
#include "linux/networks.h"
#include "linux/session_cgroup.h"
#include "linux/system_call_filter.h"

namespace buildjail {

namespace {

/** The time in which the waiter hears that init has ended. */
constexpr std::chrono::milliseconds kHearBound{1000};
constexpr const char* kStep = "terminal";
constexpr const char* kMultiplexer = "/dev/pts/ptmx";

/** Through init's root, where only we mount anything, and /dev is read-only. */
Result<UniqueFd> open_master(const std::string& root) {
  const std::string path = root + kMultiplexer;
  UniqueFd master =
      above_stdio(UniqueFd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC)));
  if (!master) return last_error(kStep, "open", kMultiplexer);
  struct statfs found{};
  if (::fstatfs(master.get(), &found) != 0) return last_error(kStep, "fstatfs", kMultiplexer);
  if (found.f_type == DEVPTS_SUPER_MAGIC) return master;
  return SysError{.step = kStep,
                  .syscall = "fstatfs",
                  .err = ENODEV,
                  .path = kMultiplexer,
                  .detail = "it is not in a file system of terminals (devpts)"};
}

}  // namespace

Status SessionNamespaces::set(Namespaces made) {
  const auto channel = made.channel();
  {
    const std::lock_guard lock(mutex_);
    namespaces_ = std::make_shared<Namespaces>(std::move(made));
  }
  return waiter_->watch_channel(owner_, channel->fd(),
                                [channel, waiter = waiter_.get()] { return channel->read(*waiter); });
}

Status SessionNamespaces::end_processes(Trace& trace) {
  const auto inside = get();
  if (!inside) return {};
  // This waits for no launch first: one that hangs inside ends with init.
  if (auto status = inside->tell_to_end(); !status) return status;
  trace.mark("kill");
  if (auto status = inside->wait_gone(); !status) return status;
  // The waiter hears of the end by the channel, and then knows that the commands have ended too.
  static_cast<void>(waiter_->wait_reaped(owner_, kHearBound));
  waiter_->forget_channel(owner_, inside->channel()->fd());
  trace.mark("reap");
  const std::lock_guard lock(mutex_);
  namespaces_.reset();
  return {};
}

Result<UniqueFd> open_terminal(const std::string& root, const CommandTerminal& terminal, StdioEnds& ends) {
  auto master = open_master(root);
  if (!master) return std::move(master.error());
  int unlocked = 0;
  if (::ioctl(master->get(), TIOCSPTLCK, &unlocked) != 0) return last_error(kStep, "ioctl", kMultiplexer);
  // Without its name, which could lead to another file system (ioctl_tty(2), TIOCGPTPEER).
  const int access = terminal.is_typed_into ? O_RDWR : O_WRONLY;
  const UniqueFd slave = above_stdio(UniqueFd(::ioctl(master->get(), TIOCGPTPEER, access | O_NOCTTY | O_CLOEXEC)));
  if (!slave) return last_error(kStep, "ioctl", kMultiplexer);
  if (terminal.mode && ::tcsetattr(slave.get(), TCSANOW, &*terminal.mode) != 0)
    return last_error(kStep, "tcsetattr", "/dev/pts");
  if (::ioctl(slave.get(), TIOCSWINSZ, &terminal.size) != 0) return last_error(kStep, "ioctl", "/dev/pts");
  ends.is_terminal = terminal.streams;
  for (std::size_t i = 0; i < ends.child.size(); ++i) {
    if (!terminal.streams.at(i)) continue;
    ends.child.at(i) = UniqueFd(::fcntl(slave.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!ends.child.at(i)) return last_error(kStep, "fcntl", "/dev/pts");
  }
  return master;
}

Status InitPart::make(Trace& trace) {
  std::optional<SystemCallFilter> own;
  if (!plan_.allowed.is_empty()) own.emplace(plan_.allowed);
  // The rest of a base may add to /etc.
  auto etc = plan_.is_base || !host_.mounts.descriptor ? Result(std::shared_ptr<const UniqueFd>())
                                                       : host_.etc.take(plan_.steps, host_.mounts.descriptor);
  if (!etc) return std::move(etc.error());
  auto made = Namespaces::make(plan_,
                               {.init_image = host_.init_image,
                                .mounts = host_.mounts,
                                .etc = etc->get(),
                                .network = network_.descriptor(),
                                .brings_up_loopback = network_.lacks_loopback(),
                                .filter = own ? *own : host_.filter,
                                .ids = ids_,
                                .cgroup = cgroup_.entrances(),
                                .nesting = nesting_,
                                .lock = journal_.lock()},
                               trace);
  if (!made) return std::move(made.error());
  network_.is_in_use(made->init());
  return inside_.set(std::move(*made));
}

}  // namespace buildjail
