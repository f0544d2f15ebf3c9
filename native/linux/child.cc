#include "linux/child.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <ctime>

#include "base/unique_fd.h"

namespace buildjail {

namespace {

constexpr int kLastSignal = 64;
constexpr std::size_t kMaskBytes = kLastSignal / 8;
/** The most: any process with it comes before any without. */
// defence: builds-end-before-host
constexpr std::string_view kFirstToGo = "1000";

/** The kernel's struct sigaction, which begins with the handler on every architecture but mips; never larger than this.
 */
struct KernelAction {
  void (*handler)(int);
  std::array<unsigned long, 7> rest;
};

// By number: C libraries keep signals for themselves (nptl(7)) and would not touch those.
int set_action(int signal, void (*handler)(int)) {
  const KernelAction action{.handler = handler, .rest = {}};
  return static_cast<int>(::syscall(SYS_rt_sigaction, signal, &action, nullptr, kMaskBytes));
}

}  // namespace

int reset_signals() {
  for (int signal = 1; signal <= kLastSignal; ++signal) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    if (set_action(signal, SIG_DFL) != 0) return -1;
  }
  return 0;
}

int unblock_signals() {
  const std::array<std::byte, kMaskBytes> none{};
  return static_cast<int>(::syscall(SYS_rt_sigprocmask, SIG_SETMASK, none.data(), nullptr, kMaskBytes));
}

const char* write_file(const char* path, std::string_view text) {
  const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file) return "open";
  return ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? nullptr : "write";
}

const char* go_first_when_memory_runs_out() { return write_file(kOomScoreFile, kFirstToGo); }

std::int64_t now_ns() {
  timespec now{};
  static_cast<void>(::clock_gettime(CLOCK_MONOTONIC, &now));
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace buildjail
