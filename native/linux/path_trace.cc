#include "linux/path_trace.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "linux/caller_memory.h"
#include "linux/caller_path.h"
#include "linux/interpreter.h"
#include "linux/path_names.h"
#include "linux/wanted_path.h"

namespace buildjail {

namespace {

using Kind = PathCall::Kind;

constexpr std::size_t kMostCallers = 16'384;
constexpr std::size_t kMostInterpreted = 2'000;
constexpr int kMostInterpreters = 5;

/** Microseconds since 1970. */
std::int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

PathTrace::PathTrace(std::shared_ptr<SeenPaths> seen, SessionPaths paths)
    : seen_(std::move(seen)), paths_(std::move(paths)) {
  for (const PathCall& call : path_calls()) {
    if (const int number = call.number(kOwnArchitecture); number != kNoSuchCall)
      calls_.at(static_cast<std::size_t>(number)) = &call;
  }
}

void PathTrace::see(const CallNotice& notice, BorrowedRights& rights) {
  doubt_ = {};
  see_call(notice, rights);
  if (doubt_.is_any()) seen_->lose();
}

void PathTrace::see_call(const CallNotice& notice, BorrowedRights& rights) {
  const auto number = static_cast<std::size_t>(notice.number);
  const PathCall* const call = number < calls_.size() ? calls_.at(number) : nullptr;
  if (call == nullptr) return;
  const Caller* const caller = caller_of(notice.thread);
  std::vector<WantedPath> wanted;
  bool is_lost = caller == nullptr;
  for (const PathArgument& argument : call->paths) {
    if (argument.path == PathArgument::kNone && argument.folder == PathArgument::kNone) continue;
    auto one = wanted_by(notice, *call, argument, doubt_);
    is_lost = is_lost || !one;
    if (is_lost || one->path.empty()) continue;
    // The call opens the file of a descriptor again, and may read a file that was only looked at (open(2), O_PATH).
    const bool is_read = one->use == Use::kRead || one->use == Use::kExecute || one->reads_too;
    if (const std::string behind = through_devices(one->path); is_read && is_descriptor(behind)) {
      const auto descriptor = own_descriptor(behind);
      // The processes in a path have the session's numbers, and the notice has the host's.
      is_lost = !descriptor;
      if (is_lost) continue;
      auto file = start_of(notice.thread, *descriptor, doubt_);
      // A removed file is no file of the host's any more.
      if (file && file->ends_with(" (deleted)")) file.reset();
      if (file && call->kind == Kind::kExecute)
        one->path = std::move(*file);
      else if (file)
        wanted.push_back({.path = std::move(*file), .use = Use::kRead, .follows = true, .is_opened = true});
    }
    // Most calls look up one path that is known already.
    const bool is_known = call->kind != Kind::kExecute && !one->reads_too && !goes_up(one->path) &&
                          seen_->add_known(caller->process, one->path, one->use, one->follows);
    if (!is_known) wanted.push_back(std::move(*one));
  }
  if (!is_lost && wanted.empty()) return;
  // If the call still waits, everything above was its caller's, and not that of a later thread with the same number.
  if (is_lost || !notice.is_waiting()) return doubt_.lose();
  if (call->kind == Kind::kExecute && !wanted.empty()) {
    see_execution(notice, *call, *caller, wanted.front().path, rights);
    return;
  }
  for (WantedPath& one : wanted) {
    if (one.reads_too) {
      WantedPath read = one;
      read.use = Use::kRead;
      look_up(*caller, std::move(read), rights);
    }
    look_up(*caller, std::move(one), rights);
  }
}

const PathTrace::Caller* PathTrace::caller_of(pid_t thread) {
  const auto known = callers_.find(thread);
  if (known != callers_.end() && known->second.rights) return &known->second;
  auto rights = rights_of(thread);
  if (!rights) return nullptr;
  const pid_t process = rights->process;
  bool is_new = known == callers_.end() && (process == thread || !callers_.contains(process));
  if (callers_.size() >= kMostCallers) {
    forget_callers();
    is_new = true;
  }
  if (is_new) seen_->begin(process, rights->parent, now_us());
  Caller& caller = callers_[thread];
  caller = {.process = process, .thread = thread, .rights = std::move(rights)};
  return &caller;
}

bool PathTrace::take_rights(const Caller& caller, BorrowedRights& rights) {
  if (!caller.rights->may_change) return rights.take(caller.rights->rights);
  const auto now = rights_of(caller.thread);
  return now && rights.take(now->rights);
}

// Numbers are used again after a while, and no call says that a process has ended.
void PathTrace::forget_callers() {
  for (const auto& [thread, caller] : callers_) seen_->forget(caller.process);
  callers_.clear();
}

void PathTrace::look_up(const Caller& caller, WantedPath wanted, BorrowedRights& rights) {
  const auto is_known = [&] {
    return !goes_up(wanted.path) && seen_->add_known(caller.process, wanted.path, wanted.use, wanted.follows);
  };
  paths_.straighten_again(wanted);
  if (is_known()) return;
  if (!take_rights(caller, rights) || !straighten(caller.process, wanted)) return doubt_.lose();
  if (!is_known() && !find(caller.process, wanted)) doubt_.lose();
}

bool PathTrace::straighten(pid_t process, WantedPath& wanted) {
  if (!goes_up(wanted.path)) return true;
  for (std::string& turn : paths_.turns_of(wanted.path, doubt_))
    if (!find(process, {.path = std::move(turn), .use = Use::kLook, .follows = true})) return false;
  return paths_.straighten(wanted, doubt_);
}

bool PathTrace::find(pid_t process, const WantedPath& wanted) {
  auto found = paths_.found_at(wanted, doubt_);
  if (found) add(process, std::move(*found));
  return found.has_value();
}

// If a link is the build's own, no other record has the links that it leads through.
void PathTrace::add(pid_t process, Lookup found) {
  if (!found.leads_to.empty()) {
    for (std::string& link : paths_.links_of(found.path, found.follows, doubt_))
      if (link != found.path) seen_->add(process, {.path = std::move(link), .use = Use::kLook, .follows = false});
  }
  seen_->add(process, std::move(found));
}

void PathTrace::see_execution(const CallNotice& notice, const PathCall& call, const Caller& caller,
                              const std::string& path, BorrowedRights& rights) {
  if (!take_rights(caller, rights)) return doubt_.lose();
  WantedPath wanted{.path = path, .use = Use::kExecute, .follows = true, .is_opened = true};
  if (!straighten(caller.process, wanted)) return doubt_.lose();
  auto looked_up = paths_.found_at(wanted, doubt_);
  if (!looked_up) return doubt_.lose();
  Lookup& found = *looked_up;
  const pid_t process = caller.process;
  if (found.found == Found::kThere && found.use == Use::kExecute) {
    const auto words = notice.arguments.at(call.paths.front().folder == PathArgument::kNone ? 1 : 2);
    const auto first = words == 0 ? std::nullopt : read_number64(notice.thread, words);
    const auto argv0 = first && *first != 0 ? read_text(notice.thread, *first, PATH_MAX) : std::nullopt;
    // The thread may have ended meanwhile, and its number may be another process's.
    if (!notice.is_waiting()) return doubt_.lose();
    see_interpreters(caller, notice.thread, found.path, rights);
    seen_->execute(process, found.path, argv0.value_or(std::string()));
    // The new program may have other rights, and the process has one thread.
    callers_.erase(notice.thread);
    callers_[process] = {.process = process};
  }
  add(process, std::move(found));
}

void PathTrace::see_interpreters(const Caller& caller, pid_t thread, const std::string& program,
                                 BorrowedRights& rights) {
  std::string at = program;
  for (int depth = 0; depth < kMostInterpreters && !interpreted_.contains(at); ++depth) {
    // Another file of that name may be a fifo by now.
    const Pinned opened = paths_.pin(at, O_RDONLY | O_NONBLOCK | O_NOCTTY, doubt_);
    // A file that can be executed and not read may name any interpreter.
    if (opened.err == EACCES) return doubt_.lose();
    if (!opened.file) return;
    struct stat status{};
    if (::fstat(opened.file.get(), &status) != 0) return doubt_.lose();
    if (!S_ISREG(status.st_mode)) return;
    std::string named = interpreter_of(opened.file, doubt_);
    const bool is_relative = !named.empty() && named.front() != '/';
    if (!is_relative && interpreted_.size() < kMostInterpreted && paths_.lasts(at, doubt_)) interpreted_.insert(at);
    if (named.empty()) return;
    if (is_relative) {
      const auto start = start_of(thread, kCallersDirectory, doubt_);
      if (!start) return doubt_.lose();
      named.insert(0, *start + "/");
    }
    at = plain(named);
    look_up(caller, {.path = at, .use = Use::kExecute, .follows = true}, rights);
  }
}

}  // namespace buildjail
