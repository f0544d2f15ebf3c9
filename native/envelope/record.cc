#include "envelope/record.h"

#include <sys/wait.h>

#include <csignal>

#include "launch/waiter.h"

namespace buildjail {

namespace {

constexpr std::uint64_t kSecondUs = 1'000'000;

bool is_by(int status, int signal) {
  constexpr int kShells = 128;
  return WIFSIGNALED(status) ? WTERMSIG(status) == signal : WEXITSTATUS(status) == kShells + signal;
}

}  // namespace

std::optional<Limit> ended_by(const Ending& ending, const CommandLimits& limits, const LimitsMet& before,
                              const LimitsMet& after) {
  std::uint64_t seconds = 0;
  // The command's own signal comes first, because its neighbours may have met the other limits.
  for (std::size_t i = 0; i < kRlimits.size(); ++i) {
    const std::uint64_t most = limits.of_processes.at(i);
    if (most != 0 && kRlimits.at(i).signal != 0 && is_by(ending.status, kRlimits.at(i).signal))
      return kRlimits.at(i).limit;
    if (kRlimits.at(i).resource == RLIMIT_CPU) seconds = most;
  }
  if (after.memory > before.memory) return Limit::kMemory;
  if (after.swap > before.swap) return Limit::kSwap;
  // A process that ignores SIGXCPU is killed when the hard limit comes (plan/limits.h, `grace`).
  const auto used = static_cast<std::uint64_t>(ending.user_us + ending.system_us) / kSecondUs;
  if (seconds != 0 && used >= seconds && is_by(ending.status, SIGKILL)) return Limit::kCpuTime;
  if (after.processes > before.processes) return Limit::kProcesses;
  return std::nullopt;
}

}  // namespace buildjail
