#include "freebsd/limits.h"

#include <sys/types.h>
#include <sys/rctl.h>
#include <sys/sysctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "base/text.h"
#include "base/tolerated.h"
#include "freebsd/sysctl.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "rctl";
constexpr std::size_t kFirstRoom = 4096;

/** The filter for the rules of a jail, and the subject for its usage. */
std::string of_jail(const std::string& jail) { return "jail:" + jail + ":"; }

/** With its NUL, which the kernel wants counted (rctl_read_inbuf). */
std::size_t size_of(const std::string& text) { return text.size() + 1; }

}  // namespace

Result<bool> counts_resources() {
  bool is_counting = false;
  std::size_t size = sizeof(is_counting);
  if (::sysctlbyname("kern.racct.enable", &is_counting, &size, nullptr, 0) == 0) return is_counting;
  // A kernel without RACCT lacks the setting.
  if (errno == ENOENT) return false;
  return last_error("limits", "sysctl", "kern.racct.enable");
}

Status rctl_add(const std::string& rule) {
  return ::rctl_add_rule(rule.c_str(), size_of(rule), nullptr, 0) == 0 ? Status()
                                                                       : last_error(kStep, "rctl_add_rule", rule);
}

Status rctl_remove(const std::string& filter) {
  return ::rctl_remove_rule(filter.c_str(), size_of(filter), nullptr, 0) == 0
             ? Status()
             : last_error(kStep, "rctl_remove_rule", filter);
}

Result<std::string> rctl_rules(const std::string& filter) {
  for (std::size_t room = kFirstRoom;; room *= 2) {
    std::string answer(room, '\0');
    if (::rctl_get_rules(filter.c_str(), size_of(filter), answer.data(), answer.size()) == 0)
      return std::string(answer.c_str());
    // E2BIG: more room than the kernel allows (the sysctl kern.racct.rctl.maxbufsize).
    if (errno != ERANGE) return last_error(kStep, "rctl_get_rules", filter);
  }
}

Result<RctlUsage> rctl_usage(const std::string& subject) {
  // About 25 resources, each with a number.
  std::array<char, kFirstRoom> answer{};
  if (::rctl_get_racct(subject.c_str(), size_of(subject), answer.data(), answer.size()) != 0)
    return last_error("usage", "rctl_get_racct", subject);
  RctlUsage used;
  std::string_view rest(answer.data());
  while (!rest.empty()) {
    std::string_view value = cut(rest, ',');
    const std::string name(cut(value, '='));
    std::uint64_t number = 0;
    if (read_number(value, number)) used.emplace(name, number);
  }
  return used;
}

Status add_rule(const std::string& jail, const std::string& rule) { return rctl_add(of_jail(jail) + rule); }

Status remove_rules(const std::string& jail, const std::string& resource) {
  auto status = rctl_remove(of_jail(jail) + resource);
  if (status || status.error().err == ESRCH) return {};
  // The rules of a dead session are gone if the host was restarted and no longer counts.
  if (status.error().err == ENOSYS) {
    if (const auto is_counting = counts_resources(); is_counting && !*is_counting) return {};
  }
  return status;
}

Result<SessionUsage> used_by(const std::string& jail) {
  constexpr std::uint64_t kMicroseconds = 1'000'000;
  const auto used = rctl_usage(of_jail(jail));
  if (!used && used.error().err == ENOSYS) return SessionUsage{};
  if (!used) return used.error();
  const auto of = [&used](const char* resource) -> std::optional<std::uint64_t> {
    const auto found = used->find(resource);
    return found == used->end() ? std::nullopt : std::optional(found->second);
  };
  SessionUsage usage{.by = "rctl"};
  if (const auto seconds = of("cputime")) usage.cpu_us = *seconds * kMicroseconds;
  usage.memory = of("memoryuse");
  // The greater one meets a limit first: zombies have no threads.
  usage.processes = std::max(of("maxproc"), of("nthr"));
  return usage;
}

namespace {

/** The action of the rules that log a met limit (rctl(8)). */
constexpr const char* kLogged = "log";

std::string rule(const char* resource, const char* action, std::uint64_t amount) {
  return std::string(resource) + ":" + action + "=" + std::to_string(amount);
}

/** Collects the rules for limits that can be held, and notes the first limit that cannot. */
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
    // JavaScript enforces it.
    if (limits_.counts_cpu_time) static_cast<void>(may_hold(Limit::kCpuTime));
    if (refused_ && !limits_.is_best_effort) return std::move(*refused_);
    return std::move(held_);
  }

 private:
  void refuse(Limit limit, const char* problem, const char* remedy) {
    if (refused_) return;
    refused_ = {.step = "limits",
                .syscall = "rctl_add_rule",
                .err = ENOTSUP,
                .detail = problem,
                .limit = std::string(limit.name),
                .remedy = remedy};
  }
  bool may_hold(Limit limit) {
    if (!is_counting_) refuse(limit, kNothingCounted, kHowToCount);
    return is_counting_;
  }
  void apply(Limit limit, std::uint64_t value, const char* by) {
    held_.applied.push_back({.limit = limit, .value = value, .by = by});
  }

  // The kernel counts resident memory (memoryuse) anew every second, whatever a build does. It then kills a process
  // that has grown while all together have more (vm_daemon).
  void hold_memory(std::uint64_t memory) {
    // defence: limits-resident-beyond-limit
    for (const auto* action : {"sigkill", kLogged}) held_.rules.push_back(rule("memoryuse", action, memory));
    apply(Limit::kMemory, memory, "rctl memoryuse");
  }

  // Reserved memory without a file (swapuse), resident or not: mmap(2) fails as soon as a process asks for more. Only
  // if the spec asks for it, because some programs reserve a hundred times what they use. It is not enough by itself:
  // the end of each process takes away more from that count than the process had (racct_proc_exit).
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

  // maxproc counts zombies, which have no thread any more; nthr counts the threads of one process. The kernel logs a
  // process that reaches a limit (rctl_enforce), and a refused fork(2) has made no process. So the rule that logs is
  // one lower: it logs the last process that there was room for.
  void hold_processes(std::uint64_t processes) {
    // defence: limits-zombies-counted
    for (const auto* resource : {"maxproc", "nthr"}) {
      held_.rules.push_back(rule(resource, "deny", processes));
      held_.rules.push_back(rule(resource, kLogged, processes - 1));
    }
    apply(Limit::kProcesses, processes, "rctl maxproc, nthr");
  }

  // A cpuset holds whole processors without counting. For a fraction of one, a thread of the kernel (racctd) throttles
  // processes that have taken too much.
  void hold_cpus(std::uint64_t thousandths) {
    constexpr std::uint64_t kOne = 1000;
    held_.processors = (thousandths + kOne - 1) / kOne;
    if (thousandths % kOne == 0 || !may_hold(Limit::kCpus))
      return apply(Limit::kCpus, held_.processors * kOne, "cpuset");
    // defence: limits-part-processor-no
    held_.throttle = rule(kThrottled, "deny", std::max<std::uint64_t>(1, thousandths / 10));
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

// Only at the beginning of a line. A build can choose text inside a line, because the kernel logs the name of a socket
// whose queue is full. The kernel writes a level before each line of such a text (log(9)), and none before a line of
// rctl(8).
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
  const Tolerated tolerated("a limit is then reported as met when the buffer is read again");
  const auto buffer = read_sysctl("kern.msgbuf");
  if (!buffer) return met_;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are characters
  auto now = lines_with(beginning_, {reinterpret_cast<const char*>(buffer->data()), buffer->size()});
  for (const std::string& line : std::span(now).subspan(kept(seen_, now))) {
    if (line.starts_with("memoryuse:")) ++met_.memory;
    if (line.starts_with("swapuse:")) ++met_.swap;
    if (line.starts_with("maxproc:") || line.starts_with("nthr:")) ++met_.processes;
  }
  seen_ = std::move(now);
  return met_;
}

}  // namespace buildjail
