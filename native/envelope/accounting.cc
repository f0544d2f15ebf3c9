#include "envelope/accounting.h"

#include <sys/wait.h>

#include <csignal>
#include <cstdint>

#include "launch/launch_request.h"
#include "launch/waiter.h"

namespace buildjail {

namespace {

constexpr std::uint64_t kSecondUs = 1'000'000;

bool is_by(int status, int signal) {
  constexpr int kShells = 128;
  return WIFSIGNALED(status) ? WTERMSIG(status) == signal : WEXITSTATUS(status) == kShells + signal;
}

/** One that takes no notice of SIGXCPU is killed a second later (launch_request.h). */
bool is_killed_for_time(const Ending& ending, std::uint64_t seconds) {
  const std::int64_t used = ending.user_us + ending.system_us;
  return is_by(ending.status, SIGKILL) && static_cast<std::uint64_t>(used) / kSecondUs >= seconds;
}

}  // namespace

std::optional<Limit> ended_by(const Ending& ending, const CommandLimits& limits, const LimitsMet& before,
                              const LimitsMet& after) {
  // What the command says of itself comes first: the others may have been met by its neighbours.
  if (limits.cpu_time && is_by(ending.status, SIGXCPU)) return Limit::kCpuTime;
  if (limits.file_size && is_by(ending.status, SIGXFSZ)) return Limit::kFileSize;
  if (after.memory > before.memory) return Limit::kMemory;
  if (after.swap > before.swap) return Limit::kSwap;
  if (limits.cpu_time && is_killed_for_time(ending, *limits.cpu_time)) return Limit::kCpuTime;
  if (after.processes > before.processes) return Limit::kProcesses;
  return std::nullopt;
}

}  // namespace buildjail
