#include "freebsd/limits.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "freebsd/rctl.h"
#include "freebsd/sysctl.h"

namespace buildjail {

namespace {

/** The action of the rules that tell what was met (rctl(8)). */
constexpr const char* kLogged = "log";

SysError unsupported(Limit limit, const char* problem, const char* remedy) {
  return {.step = "limits",
          .syscall = "rctl_add_rule",
          .err = ENOTSUP,
          .path = {},
          .dest = {},
          .detail = problem,
          .limit = std::string(limit.name),
          .remedy = remedy};
}

std::string rule(const char* resource, const char* action, std::uint64_t amount) {
  return std::string(resource) + ":" + action + "=" + std::to_string(amount);
}

/** Collects what holds, and remembers the first that cannot be held. */
class Settling {
 public:
  explicit Settling(const Limits& limits) : limits_(limits) {}

  Result<HeldLimits> hold() {
    if (limits_.is_empty()) return std::move(held_);
    const auto is_counting = counts_resources();
    if (!is_counting) return is_counting.error();
    is_counting_ = *is_counting;
    if (limits_.memory && may_hold(Limit::kMemory)) hold_memory(*limits_.memory);
    if (limits_.swap) hold_swap(*limits_.swap);
    if (limits_.processes && may_hold(Limit::kProcesses)) hold_processes(*limits_.processes);
    if (limits_.cpus) hold_cpus(*limits_.cpus);
    // JavaScript looks at it.
    if (limits_.counts_cpu_time) static_cast<void>(may_hold(Limit::kCpuTime));
    if (refused_ && !limits_.is_best_effort) return std::move(*refused_);
    return std::move(held_);
  }

 private:
  void refuse(Limit limit, const char* problem, const char* remedy) {
    if (!refused_) refused_ = unsupported(limit, problem, remedy);
  }
  bool may_hold(Limit limit) {
    if (!is_counting_) refuse(limit, kNothingCounted, kHowToCount);
    return is_counting_;
  }
  void apply(Limit limit, std::uint64_t value, const char* by) {
    held_.applied.push_back({.limit = limit, .value = value, .by = by});
  }

  // What is resident (memoryuse) is counted anew every second, whatever a build does, and a process that has grown
  // while all have more is killed then (vm_daemon).
  void hold_memory(std::uint64_t memory) {
    // defence: limits-resident-beyond-limit
    for (const auto* action : {"sigkill", kLogged}) held_.rules.push_back(rule("memoryuse", action, memory));
    apply(Limit::kMemory, memory, "rctl memoryuse");
  }

  // What is reserved of memory that is no file's (swapuse), be it resident or not: mmap(2) fails as soon as more is
  // asked for. Only where it was asked for, as some programs reserve a hundred times what they use. It is not enough by
  // itself: the end of each process takes away more from that count than the process had (racct_proc_exit).
  void hold_swap(std::uint64_t swap) {
    if (!limits_.memory)
      return refuse(Limit::kSwap,
                    "the kernel counts memory and swap together, so swap can be limited only where memory is",
                    "limit memory as well");
    if (!may_hold(Limit::kSwap)) return;
    // defence: limits-reserved-refused-beyond
    for (const auto* action : {"deny", kLogged}) held_.rules.push_back(rule("swapuse", action, *limits_.memory + swap));
    apply(Limit::kSwap, swap, "rctl swapuse");
  }

  // Zombies have no thread any more, and many threads can be in one process. A fork(2) that is refused is not logged,
  // as there is no process yet that it could be logged of (rctl_enforce), but the one before it is, that there was room
  // for.
  void hold_processes(std::uint64_t processes) {
    // defence: limits-zombies-counted
    for (const auto* resource : {"maxproc", "nthr"}) {
      held_.rules.push_back(rule(resource, "deny", processes));
      held_.rules.push_back(rule(resource, kLogged, processes - 1));
    }
    apply(Limit::kProcesses, processes, "rctl maxproc, nthr");
  }

  // Whole processors need no counting. Of a part of one the kernel takes away again what was too much (racctd).
  void hold_cpus(std::uint64_t thousandths) {
    constexpr std::uint64_t kOne = 1000;
    held_.processors = (thousandths + kOne - 1) / kOne;
    if (thousandths % kOne == 0 || !may_hold(Limit::kCpus))
      return apply(Limit::kCpus, held_.processors * kOne, "cpuset");
    // defence: limits-part-processor-no
    held_.share = std::max<std::uint64_t>(1, thousandths / 10);
    apply(Limit::kCpus, thousandths, "cpuset, rctl pcpu");
  }

  const Limits& limits_;
  bool is_counting_ = false;
  HeldLimits held_;
  std::optional<SysError> refused_;
};

}  // namespace

Result<HeldLimits> held_limits(const Limits& limits) { return Settling(limits).hold(); }

namespace {

// Within a line it may be what a build has chosen: the kernel tells of the name of a socket whose queue is full. There
// each line of such a text has its level before it (log(9)), and a line of rctl(8) has none.
std::vector<std::string> lines_with(std::string_view beginning, std::string_view buffer) {
  std::vector<std::string> lines;
  for (std::size_t at = buffer.find(beginning); at != std::string_view::npos; at = buffer.find(beginning, at)) {
    const bool is_at_line = at > 0 && buffer[at - 1] == '\n';
    at += beginning.size();
    // defence: limit-met-not-forged
    if (is_at_line) lines.emplace_back(buffer.substr(at, buffer.find('\n', at) - at));
  }
  return lines;
}

/** How many of `now` were in `before` as well: the buffer loses its oldest, and gets new ones at its end. */
std::size_t kept(const std::vector<std::string>& before, const std::vector<std::string>& now) {
  std::size_t count = std::min(before.size(), now.size());
  while (count > 0 && !std::equal(before.end() - static_cast<std::ptrdiff_t>(count), before.end(), now.begin()))
    --count;
  return count;
}

}  // namespace

LimitsMet LimitsLog::met() {
  const std::lock_guard lock(mutex_);
  const auto buffer = read_sysctl("kern.msgbuf");
  if (!buffer) return met_;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are characters
  auto now = lines_with(beginning_, {reinterpret_cast<const char*>(buffer->data()), buffer->size()});
  for (const std::string& line : std::span(now).subspan(kept(seen_, now))) count(line);
  seen_ = std::move(now);
  return met_;
}

void LimitsLog::count(const std::string& line) {
  if (line.starts_with("memoryuse:")) ++met_.memory;
  if (line.starts_with("swapuse:")) ++met_.swap;
  if (line.starts_with("maxproc:") || line.starts_with("nthr:")) ++met_.processes;
}

}  // namespace buildjail
