#include "freebsd/child.h"

#include <sys/jail.h>
#include <sys/procctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysctl.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <utility>

#include "state/watcher.h"

namespace buildjail {

int close_all_but(int kept) {
  const auto number = static_cast<unsigned>(kept);
  if (number > 0 && ::close_range(0, number - 1, 0) != 0) return -1;
  return ::close_range(number + 1, ~0U, 0);
}

int look_at_self(kinfo_proc& self) {
  const int mib[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, ::getpid()};
  std::size_t size = sizeof(self);
  return ::sysctl(mib, 4, &self, &size, nullptr, 0);
}

namespace {

// These are ignored by default (signal(3)), so the kernel always lists them. A SIGCHLD that is ignored on purpose keeps
// a process from waiting for its children (sigaction(2), SA_NOCLDWAIT), but execve(2) ends that by itself (execsigs).
bool is_ignored_by_default(int signal) {
  return signal == SIGURG || signal == SIGIO || signal == SIGWINCH || signal == SIGINFO || signal == SIGCHLD;
}

}  // namespace

// One call lists the signals that are not at their default. NSIG ends before the real-time signals (signal(3)), which
// are ignored and inherited like all others.
const char* reset_signals(const kinfo_proc& self) {
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal <= _SIG_MAXSIG; ++signal) {
    const bool is_caught = ::sigismember(&self.ki_sigcatch, signal) != 0;
    if (!is_caught && (::sigismember(&self.ki_sigignore, signal) == 0 || is_ignored_by_default(signal))) continue;
    // By number: libthr(3) wraps sigaction(2) and keeps a table that the parent uses too.
    if (::syscall(SYS_sigaction, signal, &action, nullptr) != 0) return "sigaction";
  }
  return nullptr;
}

const char* unblock_signals() {
  sigset_t none;
  ::sigemptyset(&none);
  return ::syscall(SYS_sigprocmask, SIG_SETMASK, &none, nullptr) == 0 ? nullptr : "sigprocmask";
}

int forget_arguments(pid_t self) {
  static constexpr char kTitle[] = "buildjail";
  const int mib[] = {CTL_KERN, KERN_PROC, KERN_PROC_ARGS, self};
  return ::sysctl(mib, 4, nullptr, nullptr, kTitle, sizeof(kTitle));
}

int forbid_tracing() {
  int disable = PROC_TRACE_CTL_DISABLE;
  return ::procctl(P_PID, 0, PROC_TRACE_CTL, &disable);
}

int confirm_root(const JailReference& jail, struct stat& found) {
  if (::lstat("/", &found) != 0) return -1;
  if (found.st_dev == jail.dev && found.st_ino == jail.ino) return 0;
  errno = ESRCH;
  return -1;
}

const char* enter_jail(const JailReference& jail) {
  if (forget_arguments(::getpid()) != 0) return "sysctl";
  if (forbid_tracing() != 0) return "procctl";
  if (::jail_attach(jail.jid) != 0) return "jail_attach";
  struct stat found{};
  return confirm_root(jail, found) == 0 ? nullptr : "lstat";
}

const char* let_go_of_host_program() {
  constexpr unsigned kFirstNotStdio = 3;
  kinfo_proc self;
  if (look_at_self(self) != 0) return "sysctl";
  // defence: watcher-ended-no-signal-2
  if (const char* const refused = reset_signals(self); refused != nullptr) return refused;
  return ::close_range(kFirstNotStdio, ~0U, 0) == 0 ? nullptr : "close_range";
}

namespace {

/** For one message. The kernel takes some more, which it keeps as pointers in one cluster (unp_internalize). */
constexpr std::size_t kMostSent = 128;

/** A datagram of one byte, with room for descriptors. An empty one would look like the end. */
struct DescriptorMessage {
  DescriptorMessage() {
    header.msg_iov = &content;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = static_cast<socklen_t>(control.size());
  }
  DescriptorMessage& operator=(DescriptorMessage&&) = delete;

  char byte = 0;
  iovec content{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMostSent * sizeof(int))> control{};
  msghdr header{};
};

/** To the parent, over one end of a socketpair(2) of datagrams. The parent reads them when this child has ended. */
int send_descriptors(int channel, std::span<const int> descriptors) {
  while (!descriptors.empty()) {
    const auto some = descriptors.first(std::min(descriptors.size(), kMostSent));
    DescriptorMessage message;
    cmsghdr* const rights = CMSG_FIRSTHDR(&message.header);
    message.header.msg_controllen = CMSG_SPACE(static_cast<socklen_t>(some.size_bytes()));
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(static_cast<socklen_t>(some.size_bytes()));
    std::memcpy(CMSG_DATA(rights), some.data(), some.size_bytes());
    // By number: libthr(3) wraps sendmsg(2) for pthread_cancel(3).
    if (::syscall(SYS_sendmsg, channel, &message.header, MSG_DONTWAIT) != 1) return -1;
    descriptors = descriptors.subspan(some.size());
  }
  return 0;
}

/** Receives the descriptors of one message, in the parent, once the child has ended. */
Status receive_descriptors(int channel, const char* step, std::vector<UniqueFd>& received) {
  DescriptorMessage message;
  // The child has sent it already, or never will.
  // defence: descriptor-jail-close-exec
  if (::recvmsg(channel, &message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0) return last_error(step, "recvmsg");
  const cmsghdr* const rights = CMSG_FIRSTHDR(&message.header);
  // The kernel drops descriptors for which the table has no room (unix(4), MSG_CTRUNC).
  if (rights == nullptr || rights->cmsg_type != SCM_RIGHTS) {
    errno = EMFILE;
    return last_error(step, "recvmsg");
  }
  std::array<int, kMostSent> descriptors{};
  const std::size_t size = std::min<std::size_t>(rights->cmsg_len - CMSG_LEN(0), sizeof(descriptors));
  std::memcpy(descriptors.data(), CMSG_DATA(rights), size);
  for (const int one : std::span(descriptors).first(size / sizeof(int))) received.emplace_back(one);
  return {};
}

}  // namespace

Result<UniqueFd> opened_in_child(const char* step, const std::function<const char*(int, int&)>& open) {
  auto opened = all_opened_in_child(
      step, 1, [&open](int channel, std::span<int> descriptors) { return open(channel, descriptors.front()); });
  if (!opened) return std::move(opened.error());
  return std::move(opened->front());
}

Result<std::vector<UniqueFd>> all_opened_in_child(const char* step, std::size_t count,
                                                  const std::function<const char*(int, std::span<int>)>& open) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_LOCAL, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return last_error(step, "socketpair");
  const UniqueFd ours(pair[0]);
  const UniqueFd theirs(pair[1]);
  std::vector<int> descriptors(count, -1);
  auto status = in_child(step, [&open, &descriptors, channel = theirs.get()]() -> const char* {
    if (const char* const failed = open(channel, descriptors); failed != nullptr) return failed;
    return send_descriptors(channel, descriptors) == 0 ? nullptr : "sendmsg";
  });
  if (!status) return std::move(status.error());
  std::vector<UniqueFd> received;
  while (received.size() < count) {
    if (auto got = receive_descriptors(ours.get(), step, received); !got) return std::move(got.error());
  }
  return received;
}

}  // namespace buildjail
