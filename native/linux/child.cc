#include "linux/child.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <ctime>

#include "base/signals.h"
#include "linux/raw_calls.h"
#include "state/watcher.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace buildjail {

namespace {

struct Start {
  const ChildProgram& program;
  Stopped stopped{};
  bool is_done = false;
};

int begin(void* start) {
  auto& given = *static_cast<Start*>(start);
  given.is_done = given.program(given.stopped);
  return 127;
}

constexpr unsigned kSharing = CLONE_VM | CLONE_VFORK;

SysError error_of(const Stopped& stopped) {
  return {.step = stopped.step, .syscall = stopped.syscall, .err = stopped.err, .path = stopped.path};
}

/** struct clone_args of clone3(2), as of Linux 5.7. */
struct CloneArguments {
  std::uint64_t flags = 0;
  std::uint64_t pidfd = 0;
  std::uint64_t child_tid = 0;
  std::uint64_t parent_tid = 0;
  std::uint64_t exit_signal = 0;
  std::uint64_t stack = 0;
  std::uint64_t stack_size = 0;
  std::uint64_t tls = 0;
  std::uint64_t set_tid = 0;
  std::uint64_t set_tid_size = 0;
  std::uint64_t cgroup = 0;
};

constexpr std::uint64_t kIntoCgroup = 0x200000000;

/**
 * Makes the child in a cgroup of version 2, by clone3(2), which C libraries do not wrap: the child begins on another
 * stack, so it must not return to this function.
 */
pid_t clone_into(int cgroup, unsigned flags, Start& start, ChildStack& stack, int& pidfd) {
  [[maybe_unused]] const CloneArguments arguments{.flags = flags | kIntoCgroup,
                                                  .pidfd = reinterpret_cast<std::uintptr_t>(&pidfd),
                                                  .stack = reinterpret_cast<std::uintptr_t>(stack.bottom()),
                                                  .stack_size = stack.size(),
                                                  .cgroup = static_cast<std::uint64_t>(cgroup)};
  [[maybe_unused]] Start* const given = &start;
  long result = -ENOSYS;
#if defined(__x86_64__)
  result = 435;
  register int (*program)(void*) __asm__("r12") = begin;
  register void* context __asm__("r13") = given;
  __asm__ volatile(
      "syscall\n\t"
      "testq %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "movq %%r13, %%rdi\n\t"
      "callq *%%r12\n\t"
      "movl %%eax, %%edi\n\t"
      "movl $60, %%eax\n\t"
      "syscall\n\t"
      "hlt\n"
      "1:"
      : "+a"(result)
      : "D"(&arguments), "S"(sizeof(arguments)), "r"(program), "r"(context)
      : "rcx", "r11", "memory", "cc");
#elif defined(__aarch64__)
  register long x0 __asm__("x0") = reinterpret_cast<long>(&arguments);
  register long x1 __asm__("x1") = sizeof(arguments);
  register long x8 __asm__("x8") = 435;
  register int (*program)(void*) __asm__("x20") = begin;
  register void* context __asm__("x21") = given;
  __asm__ volatile(
      "svc 0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, #0\n\t"
      "mov x0, x21\n\t"
      "blr x20\n\t"
      "mov x8, #93\n\t"
      "svc 0\n"
      "1:"
      : "+r"(x0)
      : "r"(x1), "r"(x8), "r"(program), "r"(context)
      : "memory", "cc");
  result = x0;
#endif
  if (result >= 0) return static_cast<pid_t>(result);
  errno = static_cast<int>(-result);
  return -1;
}

// By number, because the child shares errno with the parent, which goes on meanwhile. The signal ends it with its
// parent, and it ends itself if the parent ended before the signal was set.
int idle(void*) {
  timespec left{.tv_sec = 10, .tv_nsec = 0};
  static_cast<void>(::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
  static_cast<void>(::syscall(SYS_ppoll, nullptr, 0, &left, nullptr, 0));
  return 0;
}

}  // namespace

// AddressSanitizer marks the edges of a frame until its function returns. A child that executes a program never
// returns, and later frames of ours lie where its frames were.
ChildStack::~ChildStack() {
#ifdef __SANITIZE_ADDRESS__
  ASAN_UNPOISON_MEMORY_REGION(bottom(), size());
#endif
}

Status run_in_child(const char* step, int flags, const ChildProgram& program) {
  const BlockedSignals blocked;
  ChildStack stack;
  Start start{.program = program};
  const pid_t child = ::clone(begin, stack.top(), static_cast<int>(static_cast<unsigned>(flags) | kSharing), &start);
  if (child < 0) return last_error(step, "clone");
  reap_clone(child);
  if (start.stopped.syscall != nullptr) return error_of(start.stopped);
  if (start.is_done) return {};
  return SysError{.step = step, .syscall = "clone", .err = ECANCELED, .detail = "the child was killed"};
}

Result<ExecutedChild> execute_in_child(int flags, int& cgroup, const ChildProgram& program) {
  const BlockedSignals blocked;
  ChildStack stack;
  Start start{.program = program};
  const unsigned all = static_cast<unsigned>(flags | CLONE_PIDFD) | kSharing;
  int pidfd = -1;
  pid_t child = -1;
  if (cgroup >= 0) {
    child = clone_into(cgroup, all, start, stack, pidfd);
    if (child < 0 && errno != ENOSYS && errno != EPERM && errno != EINVAL) return last_error("clone", "clone");
    if (child < 0) cgroup = -1;
  }
  if (child < 0) child = ::clone(begin, stack.top(), static_cast<int>(all), &start, &pidfd);
  if (child < 0) return last_error("clone", "clone");
  UniqueFd owned = above_stdio(UniqueFd(pidfd));
  if (start.stopped.syscall == nullptr) return ExecutedChild{.pid = child, .pidfd = std::move(owned)};
  reap_clone(child);
  return error_of(start.stopped);
}

pid_t clone_idle(int flags, ChildStack& stack) {
  const BlockedSignals blocked;
  return ::clone(idle, stack.top(), flags | CLONE_VM, nullptr);
}

void reap_clone(pid_t pid) {
  without_interruption([pid] { return ::waitpid(pid, nullptr, __WALL); });
}

namespace {

constexpr int kLastSignal = 64;
constexpr std::size_t kMaskBytes = kLastSignal / 8;

/** The kernel's struct sigaction, or more: it begins with the handler on every architecture but mips. */
struct KernelAction {
  void (*handler)(int);
  std::array<unsigned long, 7> rest;
};

}  // namespace

int reset_signals() {
  const KernelAction action{.handler = SIG_DFL, .rest = {}};
  for (int signal = 1; signal <= kLastSignal; ++signal) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    // By number, because C libraries keep some signals for themselves and refuse to change those (nptl(7)).
    if (::syscall(SYS_rt_sigaction, signal, &action, nullptr, kMaskBytes) != 0) return -1;
  }
  return 0;
}

int unblock_signals() {
  const std::array<std::byte, kMaskBytes> none{};
  return static_cast<int>(::syscall(SYS_rt_sigprocmask, SIG_SETMASK, none.data(), nullptr, kMaskBytes));
}

bool write_file(const char* step, const char* path, std::string_view text, Stopped& stopped) {
  const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file) return stopped.at(step, "open", path);
  const bool is_written = ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  return is_written || stopped.at(step, "write", path);
}

const char* let_go_of_host_program() {
  constexpr unsigned kFirstNotStdio = 3;
  // defence: watcher-ended-no-signal
  if (reset_signals() != 0) return "rt_sigaction";
  return raw::close_range(kFirstNotStdio) == 0 ? nullptr : "close_range";
}

}  // namespace buildjail
