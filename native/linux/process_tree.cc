#include "linux/process_tree.h"

#include <unistd.h>

#include <csignal>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/unique_fd.h"
#include "linux/proc_files.h"
#include "linux/raw_calls.h"

namespace buildjail {

namespace {

/** A build can fork faster than this looks; what then is left ends with its session. */
constexpr int kMostLooks = 50;

/** Nothing where that is our own: the number is a process of the host by now, and not one of a session. */
std::optional<std::uint64_t> session_space_of(pid_t pid) {
  const auto space = pid_namespace_of(pid);
  return space == pid_namespace_of(::getpid()) ? std::nullopt : space;
}

/** By a descriptor, and only while it is where it was seen: a number may be another process's by now. */
template <class IsStill>
UniqueFd signal_if(pid_t pid, int signal, IsStill is_still) {
  UniqueFd pidfd(raw::pidfd_open(pid));
  if (pidfd && is_still(pid)) static_cast<void>(raw::pidfd_send_signal(pidfd.get(), signal));
  return pidfd;
}

}  // namespace

std::vector<pid_t> descendants_of(pid_t root) {
  std::multimap<pid_t, pid_t> children;
  for (const pid_t pid : list_processes()) {
    if (const auto parent = parent_of(pid)) children.emplace(*parent, pid);
  }
  std::vector<pid_t> found;
  std::vector<pid_t> ahead{root};
  while (!ahead.empty()) {
    const pid_t parent = ahead.back();
    ahead.pop_back();
    for (auto [at, end] = children.equal_range(parent); at != end; ++at) {
      found.push_back(at->second);
      ahead.push_back(at->second);
    }
  }
  return found;
}

std::vector<UniqueFd> signal_tree(pid_t command, int signal) {
  std::vector<UniqueFd> signalled;
  const auto space = session_space_of(command);
  if (!space) return signalled;
  const auto is_inside = [&space](pid_t pid) { return pid_namespace_of(pid) == space; };
  // All are found before the first is signalled. The command comes first, so that its end is by the signal and not by
  // what it makes of the end of its children.
  const auto below = descendants_of(command);
  static_cast<void>(signal_if(command, signal, is_inside));
  for (const pid_t pid : below) signalled.push_back(signal_if(pid, signal, is_inside));
  return signalled;
}

void kill_tree(pid_t top) {
  const auto space = session_space_of(top);
  if (!space) return;
  const auto is_inside = [&space](pid_t pid) { return pid_namespace_of(pid) == space; };
  // It must not see its children end, and they are to come to it until all are found.
  static_cast<void>(signal_if(top, SIGSTOP, is_inside));
  std::set<pid_t> signalled;
  for (int look = 0; look < kMostLooks; ++look) {
    bool is_new = false;
    for (const pid_t pid : descendants_of(top)) {
      if (!signalled.insert(pid).second) continue;
      is_new = true;
      static_cast<void>(signal_if(pid, SIGKILL, is_inside));
    }
    if (!is_new) break;
  }
  static_cast<void>(signal_if(top, SIGKILL, is_inside));
}

}  // namespace buildjail
