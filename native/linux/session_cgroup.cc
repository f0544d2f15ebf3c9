#include "linux/session_cgroup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>

#include "base/text.h"
#include "base/tolerated.h"
#include "linux/ids.h"
#include "linux/parts.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr const char* kLimitsStep = "limits";
constexpr const char* kBelow = "/session";
constexpr mode_t kMode = 0755;
/** In microseconds: the kernel's default (cgroup-v2.rst, cpu.max). */
constexpr std::uint64_t kPeriod = 100'000;
constexpr std::uint64_t kThousand = 1000;
/** The session's init counts as a process of the cgroup, and not as one of the build. */
constexpr std::uint64_t kInits = 1;

std::optional<std::uint64_t> less(std::optional<std::uint64_t> number, std::uint64_t by) {
  if (number) *number -= std::min(*number, by);
  return number;
}

/** The sum of the numbers after `word` in io.stat, which has a line for each device. */
std::optional<std::uint64_t> sum_in(const std::optional<std::string>& text, std::string_view word) {
  if (!text) return std::nullopt;
  std::uint64_t sum = 0;
  for (std::size_t at = text->find(word); at != std::string::npos; at = text->find(word, at)) {
    at += word.size();
    std::uint64_t number = 0;
    std::from_chars(text->data() + at, text->data() + text->size(), number);
    sum += number;
  }
  return sum;
}

void count_unified(const std::string& directory, SessionUsage& usage) {
  const auto devices = text_of(directory + "/io.stat");
  usage.cpu_us = number_after(directory + "/cpu.stat", "usage_usec");
  usage.memory = number_in(directory + "/memory.current");
  usage.peak_memory = number_in(directory + "/memory.peak");
  usage.swap = number_in(directory + "/memory.swap.current");
  usage.bytes_read = sum_in(devices, "rbytes=");
  usage.bytes_written = sum_in(devices, "wbytes=");
  usage.by = "cgroup v2";
}

void count_first_version(const std::string& directory, const Controllers& has, SessionUsage& usage) {
  if (has.contains(kCpuTime)) {
    if (const auto used = number_in(directory + "/cpuacct.usage")) usage.cpu_us = *used / kThousand;
  }
  if (has.contains(kMemory)) {
    usage.memory = number_in(directory + "/memory.usage_in_bytes");
    usage.peak_memory = number_in(directory + "/memory.max_usage_in_bytes");
    usage.swap = less(number_in(directory + "/memory.memsw.usage_in_bytes"), usage.memory.value_or(0));
  }
  if (usage.by.empty()) usage.by = "cgroup v1";
}

/** The name of the directory of a session's cgroup, in each hierarchy in which it has one. */
std::string cgroup_name(const std::string& id) { return "buildjail-" + id; }

// Its processes have been killed, but may still be ending.
Status remove_directory(const std::string& path, const std::string& kill_file, TakingAway& taking) {
  bool is_killed = false;
  while (::rmdir(path.c_str()) != 0) {
    if (errno == ENOENT) return {};
    if (errno != EBUSY) return last_error(kCgroup, "rmdir", path);
    if (!std::exchange(is_killed, true)) static_cast<void>(write_text_file(kCgroup, kill_file, "1"));
    if (taking.wait_while_busy()) continue;
    errno = EBUSY;
    return last_error(kCgroup, "rmdir", path);
  }
  return {};
}

/**
 * Removes a session's cgroup. Waits while processes in it are ending, and kills those that are left where the kernel
 * has cgroup.kill (cgroups(7)). Succeeds if there is no such directory.
 */
Status remove_cgroup(const std::string& directory, TakingAway& taking) {
  const std::string kill_file = directory + "/cgroup.kill";
  // In version 1 there is nothing below it.
  if (auto status = remove_directory(directory + kBelow, kill_file, taking); !status) return status;
  return remove_directory(directory, kill_file, taking);
}

/** Whether a directory lies in a cgroup file system and has the name of that session's cgroup. */
bool is_cgroup_of(const std::string& id, const std::string& directory) {
  const std::size_t name = directory.rfind('/');
  // defence: recovery-removes-only-cgroups
  if (!directory.starts_with('/') || directory.substr(name + 1) != cgroup_name(id)) return false;
  const UniqueFd opened(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct statfs found{};
  if (!opened || ::fstatfs(opened.get(), &found) != 0) return false;
  // defence: recovery-removes-only-cgroups-2
  return found.f_type == CGROUP2_SUPER_MAGIC || found.f_type == CGROUP_SUPER_MAGIC;
}

}  // namespace

SessionCgroup::SessionCgroup(PlacedLimits placed, const std::string& id)
    : limits_(placed.held), cgroups_(std::move(placed.places)) {
  for (CgroupPlace& cgroup : cgroups_) cgroup.directory += "/" + cgroup_name(id);
}

std::vector<std::string> SessionCgroup::directories() const {
  std::vector<std::string> directories;
  directories.reserve(cgroups_.size());
  for (const CgroupPlace& cgroup : cgroups_) directories.push_back(cgroup.directory);
  return directories;
}

Status SessionCgroup::make() {
  for (const CgroupPlace& cgroup : cgroups_) {
    const auto& [is_unified, directory, controllers] = cgroup;
    if (is_unified) {
      if (auto status = give_controllers(cgroup); !status) return status;
    }
    if (::mkdir(directory.c_str(), kMode) != 0) return last_error(kCgroup, "mkdir", directory);
    // The cgroup that holds the processes. In version 2 it lies below the session's cgroup, whose files set the limits:
    // no process inside sees those, because the root of its cgroup namespace is the lower one (cgroup_namespaces(7)).
    const std::string inner = directory + (is_unified ? kBelow : "");
    if (is_unified) {
      if (::mkdir(inner.c_str(), kMode) != 0) return last_error(kCgroup, "mkdir", inner);
      // The build of an ordinary user owns this directory, and could make cgroups in it if it could mount it.
      if (has_callers_id_only()) {
        if (auto status = write_text_file(kCgroup, directory + "/cgroup.max.descendants", "1"); !status) return status;
      }
      entrances_.unified = above_stdio(UniqueFd(::open(inner.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
      if (!entrances_.unified) return last_error(kCgroup, "open", inner);
    }
    const std::string file = inner + (is_unified ? "/cgroup.procs" : "/tasks");
    UniqueFd entrance = above_stdio(UniqueFd(::open(file.c_str(), O_WRONLY | O_CLOEXEC)));
    if (!entrance) return last_error(kCgroup, "open", file);
    entrances_.files.push_back(std::move(entrance));
  }
  return {};
}

Status SessionCgroup::give_controllers(const CgroupPlace& cgroup) {
  const std::string parent = cgroup.directory.substr(0, cgroup.directory.rfind('/'));
  const std::string file = parent + "/cgroup.subtree_control";
  const auto given = read_text_file(kCgroup, file);
  if (!given) return given.error();
  const std::string padded = " " + given->substr(0, given->find('\n')) + " ";
  std::string wanted;
  for (const std::string_view one : cgroup.controllers) {
    if (one != kCpuTime && padded.find(" " + std::string(one) + " ") == std::string::npos)
      wanted.append(wanted.empty() ? "+" : " +").append(one);
  }
  return wanted.empty() ? Status() : write_text_file(kCgroup, file, wanted);
}

const CgroupPlace* SessionCgroup::with(std::string_view one) const {
  const auto found =
      std::ranges::find_if(cgroups_, [one](const CgroupPlace& cgroup) { return cgroup.controllers.contains(one); });
  return found == cgroups_.end() ? nullptr : &*found;
}

// A limit below the present usage would end init.
Status SessionCgroup::refuse_too_little() const {
  const CgroupPlace& cgroup = *with(kMemory);
  const std::string file = cgroup.directory + (cgroup.is_unified ? "/memory.current" : "/memory.usage_in_bytes");
  const auto text = read_text_file(kLimitsStep, file);
  if (!text) return text.error();
  std::uint64_t used = 0;
  std::string_view rest = *text;
  if (!read_number(cut(rest, '\n'), used) || used < *limits_.memory) return {};
  return SysError{.step = kLimitsStep,
                  .syscall = "write",
                  .err = ENOMEM,
                  .path = cgroup.directory,
                  .detail = "memory: a session with no command in it takes " + std::to_string(used) +
                            " bytes here, which is more than the limit of " + std::to_string(*limits_.memory)};
}

Status SessionCgroup::put(const CgroupPlace& cgroup, Limit limit, std::uint64_t value, const char* file,
                          const std::string& text) {
  const std::string path = cgroup.directory + "/" + file;
  auto status = write_text_file(kLimitsStep, path, text);
  // There is no file for swap where the kernel does not count it.
  if (!status && status.error().err == ENOENT) {
    if (limits_.is_best_effort) return {};
    status.error().err = ENOTSUP;
    status.error().detail = std::string("the kernel has no ") + file;
    status.error().limit = limit.name;
  }
  const char* by = file;
  // Version 1 refuses a quota greater than that of a cgroup around this one.
  if (!status && status.error().err == EINVAL && limit == Limit::kCpus) {
    status = {};
    by = "a cgroup around the session's, which has less";
  }
  if (!status) return status;
  const std::lock_guard lock(mutex_);
  applied_.push_back({.limit = limit, .value = value, .by = by});
  return {};
}

Status SessionCgroup::hold() {
  entrances_ = {};
  if (limits_.memory) {
    if (auto status = refuse_too_little(); !status) return status;
  }
  Status status;
  const auto* const memory = with(kMemory);
  const bool is_unified = memory != nullptr && memory->is_unified;
  const auto holds = [&](const std::optional<std::uint64_t>& limit) { return status && limit.has_value(); };
  // defence: limit-holds-memory
  if (holds(limits_.memory))
    status = put(*memory, Limit::kMemory, *limits_.memory, is_unified ? "memory.max" : "memory.limit_in_bytes",
                 std::to_string(*limits_.memory));
  // defence: waits-sockets-counts-limit
  if (holds(limits_.memory) && !is_unified) status = hold_sockets(*memory);
  if (holds(limits_.swap)) {
    const std::uint64_t together = limits_.memory.value_or(0) + *limits_.swap;
    status = put(*memory, Limit::kSwap, *limits_.swap, is_unified ? "memory.swap.max" : "memory.memsw.limit_in_bytes",
                 std::to_string(is_unified ? *limits_.swap : together));
  }
  // defence: limit-holds-processes
  if (holds(limits_.processes))
    status = put(*with(kPids), Limit::kProcesses, *limits_.processes, "pids.max",
                 std::to_string(*limits_.processes + kInits));
  // defence: limit-holds-cpus
  if (holds(limits_.cpus)) status = put(*with(kCpu), Limit::kCpus, *limits_.cpus, quota_file(), quota());
  return status;
}

// Version 1 counts the data in TCP and UDP sockets separately, or not at all.
Status SessionCgroup::hold_sockets(const CgroupPlace& memory) const {
  const std::string file = memory.directory + "/memory.kmem.tcp.limit_in_bytes";
  auto status = write_text_file(kLimitsStep, file, std::to_string(*limits_.memory));
  return status || status.error().err == ENOENT ? Status() : status;
}

const char* SessionCgroup::quota_file() const { return with(kCpu)->is_unified ? "cpu.max" : "cpu.cfs_quota_us"; }

// In version 1 the period is in cpu.cfs_period_us, and kPeriod is the default there.
std::string SessionCgroup::quota() const {
  std::string text = std::to_string(*limits_.cpus * kPeriod / kThousand);
  if (with(kCpu)->is_unified) text += " " + std::to_string(kPeriod);
  return text;
}

void SessionCgroup::let_end() {
  // defence: closing-killing-wait-no
  if (!limits_.cpus || is_none()) return;
  const CgroupPlace& cgroup = *with(kCpu);
  const Tolerated tolerated("the processes then wait for their share of the processors");
  static_cast<void>(write_text_file(kCgroup, cgroup.directory + "/" + quota_file(), cgroup.is_unified ? "max" : "-1"));
}

Status SessionCgroup::set_quota_again() const {
  if (!limits_.cpus || is_none()) return {};
  {
    const std::lock_guard lock(mutex_);
    if (std::ranges::find(applied_, quota_file(), &AppliedLimit::by) == applied_.end()) return {};
  }
  return write_text_file(kCgroup, with(kCpu)->directory + "/" + quota_file(), quota());
}

void SessionCgroup::stop_counting() {
  entrances_ = {};
  const std::lock_guard lock(mutex_);
  if (last_usage_) return;
  last_usage_ = count();
  last_met_ = look();
}

std::vector<AppliedLimit> SessionCgroup::applied() const {
  const std::lock_guard lock(mutex_);
  return applied_;
}

std::optional<SessionUsage> SessionCgroup::usage() const {
  if (is_none()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return last_usage_ ? *last_usage_ : count();
}

LimitsMet SessionCgroup::met() const {
  if (is_none()) return {};
  const std::lock_guard lock(mutex_);
  return last_usage_ ? last_met_ : look();
}

SessionUsage SessionCgroup::count() const {
  const Tolerated tolerated("a number that cannot be read is left out of the record");
  SessionUsage usage;
  for (const auto& [is_unified, directory, controllers] : cgroups_) {
    if (is_unified)
      count_unified(directory, usage);
    else
      count_first_version(directory, controllers, usage);
    if (!is_unified && !controllers.contains(kPids)) continue;
    usage.processes = less(number_in(directory + "/pids.current"), kInits);
    usage.peak_processes = less(number_in(directory + "/pids.peak"), kInits);
  }
  return usage;
}

// Running out of swap kills no process by itself: running out of memory then does.
LimitsMet SessionCgroup::look() const {
  const Tolerated tolerated("a limit whose file cannot be read is not reported as met");
  LimitsMet met;
  if (limits_.memory || limits_.swap) {
    const CgroupPlace& cgroup = *with(kMemory);
    const char* const file = cgroup.is_unified ? "/memory.events" : "/memory.oom_control";
    met.memory = number_after(cgroup.directory + file, "oom_kill").value_or(0);
  }
  if (limits_.processes) met.processes = number_after(with(kPids)->directory + "/pids.events", "max").value_or(0);
  return met;
}

void CgroupPart::add_planned(const NamespaceOpening& opening, Parts& parts) {
  if (!opening.is_rest && !opening.cgroup.is_none()) parts.push_back(std::make_unique<CgroupPart>(opening.cgroup));
}

Status CgroupPart::add_left(const DeadSession& dead, Parts& parts) {
  for (const Fact& fact : dead.entry.facts) {
    if (fact.part != kFacts) continue;
    // It may not have been made, or may be gone. Another directory of that name stays.
    // defence: recovery-own-cgroups
    const bool is_its = dead.is_listed();
    // defence: cgroup-goes-host-program
    if (is_its && is_cgroup_of(dead.entry.id, fact.value))
      parts.push_back(std::make_unique<CgroupPart>(fact.value));
    else if (::access(fact.value.c_str(), F_OK) == 0)
      dead.leftovers.push_back({fact.value, "it is not the cgroup of a session"});
  }
  return {};
}

std::vector<Fact> CgroupPart::facts() const {
  std::vector<Fact> facts;
  facts.reserve(directories_.size());
  for (const std::string& directory : directories_) facts.push_back({kCgroup, "directory", directory});
  return facts;
}

Status CgroupPart::take_away(TakingAway& taking) {
  if (cgroup_ != nullptr) cgroup_->stop_counting();
  for (const std::string& directory : directories_) {
    // defence: cgroup-goes-session
    if (auto status = remove_cgroup(directory, taking); !status) return status;
  }
  return {};
}

}  // namespace buildjail
