#include "linux/processes.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/back_off.h"
#include "base/text.h"
#include "linux/raw_calls.h"
#include "state/files.h"

namespace buildjail {

namespace {

std::string proc_path(pid_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

/** The rest of the line that begins with `Name:`; empty if the file has no such line. */
std::string_view value_of(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view line = cut(text, '\n');
    if (cut(line, ':') == name) return line;
  }
  return {};
}

/** Times are in hundredths of a second there (proc_pid_stat(5), times(2)). */
constexpr std::uint64_t kTickUs = 10'000;

/** A process by its line in /proc/pid/stat (proc_pid_stat(5)). */
struct ProcessStat {
  std::string program;
  char state = ' ';
  /** From field 4 on, which is the parent. */
  std::vector<std::uint64_t> numbers;

  [[nodiscard]] pid_t parent() const { return static_cast<pid_t>(field(4)); }
  /** Its time, and that of the children that it has waited for, in microseconds. */
  [[nodiscard]] std::uint64_t time_us() const { return (field(14) + field(15) + field(16) + field(17)) * kTickUs; }
  [[nodiscard]] std::uint64_t field(std::size_t number) const {
    constexpr std::size_t kFirst = 4;
    return number - kFirst < numbers.size() ? numbers[number - kFirst] : 0;
  }
};

/**
 * This file alone is read of a process that is only shown: to read its arguments the kernel may wait for the process
 * itself (userfaultfd(2)).
 */
std::optional<ProcessStat> stat_of(pid_t pid) {
  const auto text = text_of(proc_path(pid, "stat"));
  // The name before the state may hold anything.
  const std::size_t begin = text ? text->find('(') : std::string::npos;
  const std::size_t end = text ? text->rfind(')') : std::string::npos;
  if (begin == std::string::npos || end < begin || text->size() < end + 4) return std::nullopt;
  const std::string_view line = *text;
  return ProcessStat{.program = std::string(line.substr(begin + 1, end - begin - 1)),
                     .state = line[end + 2],
                     .numbers = numbers_in<std::uint64_t>(line.substr(end + 4))};
}

std::vector<pid_t> list_processes() {
  std::vector<pid_t> pids;
  const auto names = names_in("/proc");
  if (!names) return pids;
  for (const std::string& name : *names) {
    pid_t pid = 0;
    if (read_number(name, pid)) pids.push_back(pid);
  }
  return pids;
}

/** The children of each process of the host. Some may be missed: the list is not made at one moment. */
std::multimap<pid_t, pid_t> children_by_parent() {
  std::multimap<pid_t, pid_t> children;
  for (const pid_t pid : list_processes()) {
    if (const auto found = stat_of(pid)) children.emplace(found->parent(), pid);
  }
  return children;
}

/** The children of all threads of a process. None is missed that stays its child meanwhile (proc_tid_children(5)). */
std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  const auto threads = names_in(proc_path(pid, "task"));
  if (!threads) return children;
  for (const std::string& thread : *threads) {
    const auto text = text_of(proc_path(pid, "task/") + thread + "/children");
    if (!text) continue;
    for (const unsigned child : numbers_in(*text)) children.push_back(static_cast<pid_t>(child));
  }
  return children;
}

/** Calls `act` with each process below `root`, parents first, before it looks below that one. */
template <class Act>
void each_below(pid_t root, Act act) {
  // A kernel may have no lists of children (CONFIG_PROC_CHILDREN).
  const bool has_lists = ::access("/proc/thread-self/children", F_OK) == 0;
  const auto by_parent = has_lists ? std::multimap<pid_t, pid_t>() : children_by_parent();
  std::vector<pid_t> ahead{root};
  while (!ahead.empty()) {
    const pid_t parent = ahead.back();
    ahead.pop_back();
    std::vector<pid_t> children = has_lists ? children_of(parent) : std::vector<pid_t>();
    for (auto [at, end] = by_parent.equal_range(parent); at != end; ++at) children.push_back(at->second);
    for (const pid_t child : children) act(child);
    ahead.insert(ahead.end(), children.begin(), children.end());
  }
}

/** All below `root`, parents first; without it. */
std::vector<pid_t> descendants_of(pid_t root) {
  std::vector<pid_t> found;
  each_below(root, [&found](pid_t pid) { found.push_back(pid); });
  return found;
}

/** In how many pid namespaces a process has a number, from that of our /proc on (proc_pid_status(5), NSpid). */
std::size_t depth_of(pid_t pid) {
  const auto text = text_of(proc_path(pid, "status"));
  return text ? numbers_in(value_of(*text, "NSpid")).size() : 0;
}

/**
 * The number of a process's pid namespace, a zombie's too: that of the file in nsfs (namespaces(7)). An ordinary caller
 * cannot look at that where a build executes a file that it may not read, and that belongs to an id outside of its
 * session (ptrace(2)). Then it is that of a parent which has numbers in as many (pid_namespaces(7)).
 */
std::optional<std::uint64_t> pid_namespace_of(pid_t pid) {
  // Who kills a tree looks again: then the children of those that were killed have a nearer parent.
  constexpr int kMostParents = 64;
  std::size_t depth = 0;
  for (int looks = 0; looks < kMostParents; ++looks) {
    struct stat link{};
    if (::stat(proc_path(pid, "ns/pid").c_str(), &link) == 0) return link.st_ino;
    // defence: unreadable-program-is-known
    if (errno != EACCES) return std::nullopt;
    if (depth == 0) depth = depth_of(pid);
    if (depth <= depth_of(::getpid())) return std::nullopt;
    const auto found = stat_of(pid);
    if (!found) return std::nullopt;
    pid = found->parent();
    if (depth_of(pid) != depth) return std::nullopt;
  }
  return std::nullopt;
}

/**
 * The pid namespace of a session, by one of its processes. Empty if that number belongs to a process of the host by
 * now.
 */
std::optional<std::uint64_t> session_of(pid_t one) {
  const auto found = pid_namespace_of(one);
  return found == pid_namespace_of(::getpid()) ? std::nullopt : found;
}

/**
 * Signals a process by a descriptor, and only while it is still in the session: by then its number may be another
 * process's.
 */
UniqueFd signal_in(std::uint64_t session, pid_t pid, int signal) {
  UniqueFd pidfd(raw::pidfd_open(pid));
  if (pidfd && pid_namespace_of(pid) == session) static_cast<void>(raw::pidfd_send_signal(pidfd.get(), signal));
  return pidfd;
}

/**
 * Stops a process. One signal may not do so: a process that traces it can keep SIGSTOP from it (ptrace(2)), if that is
 * not stopped itself. Whoever traces it, it starts nothing any more (setrlimit(2), RLIMIT_NPROC).
 */
void stop_for_good(std::uint64_t session, pid_t pid) {
  constexpr rlimit kNone{.rlim_cur = 0, .rlim_max = 0};
  rlimit before{};
  const UniqueFd stopped = signal_in(session, pid, SIGSTOP);
  if (!stopped || pid_namespace_of(pid) != session) return;
  // defence: traced-command-starts-nothing
  if (::prlimit(pid, RLIMIT_NPROC, &kNone, &before) != 0) return;
  // Its number may be another process's by now.
  if (pid_namespace_of(pid) != session) static_cast<void>(::prlimit(pid, RLIMIT_NPROC, &before, nullptr));
}

/** In each look, does one thing with `top` and then another with each below it, until a look finds none new. Returns
 * all.
 */
template <class OfTop, class OfEach>
std::set<pid_t> look_until_all_are_known(pid_t top, OfTop of_top, OfEach of_each) {
  // A build can fork faster than this looks; the processes that are left then end with the session.
  constexpr std::chrono::milliseconds kBound{1000};
  constexpr std::chrono::microseconds kLongest{500};
  BackOff back_off(kBound, kLongest);
  std::set<pid_t> known;
  bool is_new = true;
  while (is_new && back_off.wait()) {
    is_new = false;
    of_top(top);
    each_below(top, [&](pid_t pid) {
      of_each(pid);
      is_new |= known.insert(pid).second;
    });
  }
  return known;
}

}  // namespace

std::optional<Credentials> credentials_of(pid_t pid) {
  const auto text = text_of(proc_path(pid, "status"));
  if (!text) return std::nullopt;
  // Real, effective, saved, and that of the file system (proc_pid_status(5)).
  const auto ids = [&text](std::string_view name) {
    auto found = numbers_in(value_of(*text, name));
    found.resize(4);
    return found;
  };
  const auto uids = ids("Uid");
  const auto gids = ids("Gid");
  Credentials who{};
  who.pid = pid;
  who.real_uid = uids[0];
  who.uid = uids[1];
  who.saved_uid = uids[2];
  who.real_gid = gids[0];
  who.gid = gids[1];
  who.saved_gid = gids[2];
  who.groups = numbers_in(value_of(*text, "Groups"));
  const auto filters = numbers_in(value_of(*text, "Seccomp_filters"));
  if (!filters.empty()) who.system_call_filters = static_cast<int>(filters.front());
  return who;
}

std::optional<pid_t> pid_of_descriptor(int pidfd) {
  const auto text = text_of("/proc/self/fdinfo/" + std::to_string(pidfd));
  // -1 when the process has ended, 0 when it is in no namespace of ours (pidfd_open(2)).
  const std::string_view value = text ? value_of(*text, "Pid") : std::string_view();
  const auto found = value.find('-') == std::string_view::npos ? numbers_in(value) : std::vector<unsigned>();
  return found.empty() || found.front() == 0 ? std::nullopt : std::optional(static_cast<pid_t>(found.front()));
}

Result<std::vector<NamespaceEntry>> namespaces_of(pid_t pid) {
  std::vector<NamespaceEntry> found;
  for (const char* kind : {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}) {
    const std::string path = proc_path(pid, "ns/") + kind;
    struct stat link{};
    if (::stat(path.c_str(), &link) != 0) return last_error("record", "stat", path);
    found.emplace_back(kind, link.st_ino);
  }
  return found;
}

std::vector<UniqueFd> signal_tree(pid_t command, int signal) {
  std::vector<UniqueFd> signalled;
  const auto session = session_of(command);
  if (!session) return signalled;
  // All are found before the first is signalled. The command comes first, so that it ends by the signal and not by the
  // end of its children.
  const auto below = descendants_of(command);
  static_cast<void>(signal_in(*session, command, signal));
  for (const pid_t pid : below) signalled.push_back(signal_in(*session, pid, signal));
  return signalled;
}

void kill_tree(pid_t top) {
  const auto session = session_of(top);
  if (!session) return;
  const auto stop = [&session](pid_t pid) { stop_for_good(*session, pid); };
  const auto kill = [&session](pid_t pid) { static_cast<void>(signal_in(*session, pid, SIGKILL)); };
  // None may see another one end while it can still start something. When the first ends, which a tracer can bring
  // about by ending itself (ptrace(2), PTRACE_O_EXITKILL), those below it are init's children, like all others.
  // defence: traced-command-stopped-each-look
  for (const pid_t pid : look_until_all_are_known(top, stop, stop)) kill(pid);
  look_until_all_are_known(top, stop, kill);
  kill(top);
}

std::vector<SessionProcess> processes_below(pid_t init) {
  constexpr std::uint64_t kSecondUs = 1'000'000;
  constexpr std::uint64_t kMicrosecond = 1000;
  timespec now{};
  static_cast<void>(::clock_gettime(CLOCK_BOOTTIME, &now));
  const std::uint64_t now_us =
      static_cast<std::uint64_t>(now.tv_sec) * kSecondUs + static_cast<std::uint64_t>(now.tv_nsec) / kMicrosecond;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::vector<SessionProcess> found;
  each_below(init, [&](pid_t pid) {
    const auto stat = stat_of(pid);
    if (!stat || stat->state == 'Z' || stat->state == 'X') return;
    const std::uint64_t began_us = stat->field(22) * kTickUs;
    found.push_back({.pid = pid,
                     .parent = stat->parent(),
                     .program = stat->program,
                     .age_us = now_us - std::min(now_us, began_us),
                     .cpu_us = stat->time_us(),
                     .memory = stat->field(24) * page});
  });
  return found;
}

SessionUsage usage_of_processes(pid_t init) {
  SessionUsage usage;
  const auto stat = stat_of(init);
  if (!stat || stat->state == 'Z') return usage;
  // It has waited for the commands that have ended.
  usage.cpu_us = stat->time_us();
  usage.memory = 0;
  usage.processes = 0;
  for (const SessionProcess& process : processes_below(init)) {
    *usage.processes += 1;
    *usage.cpu_us += process.cpu_us;
    *usage.memory += process.memory;
  }
  usage.by = "/proc";
  return usage;
}

std::vector<Holder> processes_left_with(pid_t init) {
  std::vector<Holder> holders;
  auto below = descendants_of(init);
  std::ranges::sort(below);
  // An init that is ending has no memory any more, and only root can read its namespaces then, because it was not
  // dumpable.
  auto inside = pid_namespace_of(init);
  for (auto pid = below.begin(); !inside && pid != below.end(); ++pid) inside = pid_namespace_of(*pid);
  const auto is_inside = [&](pid_t pid) {
    return pid == init || std::ranges::binary_search(below, pid) || (inside && pid_namespace_of(pid) == inside);
  };
  const auto add = [&holders](const char* kind, pid_t pid, std::string_view status) {
    std::string_view name = value_of(status, "Name");
    cut(name, '\t');
    holders.push_back({.kind = kind, .pid = pid, .command = std::string(name)});
  };
  for (const pid_t pid : list_processes()) {
    const auto status = is_inside(pid) ? text_of(proc_path(pid, "status")) : std::nullopt;
    if (!status) continue;
    const auto traced_by = numbers_in(value_of(*status, "TracerPid"));
    const pid_t tracer = traced_by.empty() ? 0 : static_cast<pid_t>(traced_by.front());
    // Init itself only waits for the others (pid_namespaces(7)), unless it is traced.
    if (pid == init && tracer == 0) continue;
    add("process", pid, *status);
    const auto tracer_status = tracer == 0 ? std::nullopt : text_of(proc_path(tracer, "status"));
    if (tracer_status) add("tracer", tracer, *tracer_status);
  }
  return holders;
}

}  // namespace buildjail
