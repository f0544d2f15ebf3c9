#include "freebsd/traced_processes.h"

#include <sys/param.h>
#include <sys/ktrace.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

namespace buildjail {

namespace {

using Kind = TracedCall::Kind;

// A build chooses how many processes wait for the end of vfork(2) in their parents.
constexpr std::size_t kMostHeldBytes = std::size_t{16} * 1024 * 1024;
/** About the size of a record that is held, and of a process that is held, without the record's data. */
constexpr std::size_t kHeldBytes = 128;
constexpr std::size_t kMostNames = 16;

// Of the kernel alone (sys/errno.h): a call that begins again, and execve(2) that worked.
constexpr int kBeginsAgain = -1;
constexpr int kExecuted = -2;

/** access(2), in sys/syscall.h. */
constexpr int kAccess = 33;

/** The kind of programs that a process runs (sys/sysent.h, SV_ABI_MASK). */
constexpr unsigned kAbiMask = 0xff;
constexpr unsigned kFreebsdAbi = 9;

template <class Value>
std::optional<Value> read_at(std::span<const std::byte> data, std::size_t offset) {
  if (data.size() < offset + sizeof(Value)) return std::nullopt;
  Value value{};
  std::memcpy(&value, data.data() + offset, sizeof(value));
  return value;
}

std::string text_of(std::span<const std::byte> data) {
  const auto* const text = reinterpret_cast<const char*>(data.data());
  return data.empty() ? std::string() : std::string(text, ::strnlen(text, data.size()));
}

Found found_by(int err) {
  switch (err) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return Found::kMissing;
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOTCAPABLE:
    case ECAPMODE:
      return Found::kRefused;
    default:
      return Found::kThere;
  }
}

bool is_written(std::uint64_t flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0; }

Use use_of_open(std::uint64_t flags) {
  if ((flags & (O_PATH | O_DIRECTORY)) != 0) return Use::kLook;
  if ((flags & O_EXEC) != 0) return Use::kExecute;
  return is_written(flags) ? Use::kWrite : Use::kRead;
}

Use use_of(Kind kind, std::uint64_t open_flags) {
  switch (kind) {
    case Kind::kOpen:
      return use_of_open(open_flags);
    case Kind::kChange:
    case Kind::kMake:
    case Kind::kMakeSecond:
      return Use::kWrite;
    case Kind::kExecute:
    case Kind::kExecuteOpen:
      return Use::kExecute;
    default:
      return Use::kLook;
  }
}

/** Whether a call that succeeded shows that this path was missing before. */
bool has_made(Kind kind, std::uint64_t open_flags, std::size_t nth) {
  constexpr std::uint64_t kNew = O_CREAT | O_EXCL;
  return kind == Kind::kMake || (kind == Kind::kMakeSecond && nth == 1) ||
         (kind == Kind::kOpen && (open_flags & kNew) == kNew);
}

bool may_have_made(Kind kind, std::uint64_t open_flags) { return kind == Kind::kOpen && (open_flags & O_CREAT) != 0; }

}  // namespace

std::int32_t TracedProcesses::Call::descriptor(std::int8_t index) const {
  // The upper half of a register is anything.
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(arguments.at(static_cast<std::size_t>(index))));
}

bool TracedProcesses::Call::has_two_names() const {
  return kind->kind == Kind::kMakeSecond || kind->folders.back() != TracedCall::kNone;
}

// A call that has to wait for a file system begins again, and the kernel records its names again (kern_linkat in
// sys/kern/vfs_syscalls.c).
int TracedProcesses::Call::folder(std::size_t nth) const {
  const std::int8_t index = has_two_names() ? kind->folders.at(nth) : kind->folders.front();
  return index == TracedCall::kNone ? KnownFolders::kWorkingDirectory : descriptor(index);
}

void TracedProcesses::see(const TraceRecord& record) {
  if (record.follows_lost) seen_->lose();
  Process& process = processes_[record.process];
  if (!process.folders) {
    if (!is_of_launch(process, record)) return hold(record.process, process, record);
    adoptions_.push_back({record.process, ::getpid(), std::make_shared<KnownFolders>(folder_bytes_), record.time_us});
    process.is_starting = true;
    note_launch(record.process, -1);
  } else {
    interpret(record.process, process, record);
    if (process.has_ended) processes_.erase(record.process);
  }
  adopt_all();
}

// The call began when nothing was traced, so only its return is recorded. The beginning of a call of the build is
// always recorded, and no build can have another process traced to this file, because it cannot reach the file.
bool TracedProcesses::is_of_launch(const Process& process, const TraceRecord& record) {
  const auto ret = read_at<ktr_sysret>(record.data, 0);
  return record.type == KTR_SYSRET && !record.follows_lost && ret && ret->ktr_error == 0 &&
         traced_call(ret->ktr_code).kind == Kind::kTrace &&
         std::ranges::all_of(process.held, [](const HeldRecord& held) { return held.type == KTR_PROCCTOR; });
}

void TracedProcesses::launched(pid_t command) {
  try {
    note_launch(command, 1);
  } catch (const std::bad_alloc&) {
    seen_->lose();
  }
  // A process that has only records by now belongs to an earlier launch, which failed.
  const std::lock_guard lock(launches_mutex_);
  std::erase_if(launches_, [](const auto& one) { return one.second < 0; });
}

void TracedProcesses::note_launch(pid_t command, int which) {
  const std::lock_guard lock(launches_mutex_);
  int& both = launches_[command];
  both += which;
  if (both == 0) launches_.erase(command);
}

void TracedProcesses::hold(pid_t number, Process& process, const TraceRecord& record) {
  held_bytes_ += record.data.size() + kHeldBytes;
  process.held.push_back({record.type, record.thread, record.time_us, {record.data.begin(), record.data.end()}});
  if (held_bytes_ <= kMostHeldBytes) return;
  adopt_orphan(number);
}

// Its records of absolute paths are true.
void TracedProcesses::adopt_orphan(pid_t number) {
  seen_->lose();
  auto folders = std::make_shared<KnownFolders>(folder_bytes_);
  folders->enter(std::nullopt);
  // It has records, and the first of them says when it began.
  adoptions_.push_back({number, 0, std::move(folders), std::numeric_limits<std::int64_t>::max()});
  adopt_all();
}

void TracedProcesses::adopt_all() {
  // Without recursion: a build chooses how deep its processes stand.
  while (!adoptions_.empty()) {
    const Adoption next = std::move(adoptions_.back());
    adoptions_.pop_back();
    adopt(next);
  }
}

void TracedProcesses::adopt(const Adoption& adoption) {
  Process& process = processes_[adoption.child];
  // A process that had this number has ended, and its end was not recorded.
  if (process.folders) {
    seen_->lose();
    process = {};
  }
  process.folders = adoption.folders;
  const bool has_earlier = !process.held.empty() && process.held.front().time_us < adoption.time_us;
  seen_->begin(adoption.child, adoption.parent, has_earlier ? process.held.front().time_us : adoption.time_us);
  for (const HeldRecord& held : std::exchange(process.held, {})) {
    held_bytes_ -= held.data.size() + kHeldBytes;
    interpret(adoption.child, process,
              {.type = held.type,
               .follows_lost = false,
               .process = adoption.child,
               .thread = held.thread,
               .time_us = held.time_us,
               .data = held.data});
  }
  if (process.has_ended) processes_.erase(adoption.child);
}

void TracedProcesses::finish() {
  std::vector<pid_t> orphans;
  for (const auto& [number, process] : processes_) {
    if (!process.folders) orphans.push_back(number);
  }
  for (const pid_t number : orphans) adopt_orphan(number);
  // defence: untraced-end-told
  if (!processes_.empty()) seen_->lose(processes_.size());
  processes_.clear();
  // A command that finds the file full is not traced, and has no record (ktr_writerequest in sys/kern/kern_ktrace.c).
  const std::lock_guard lock(launches_mutex_);
  for (const auto& [command, which] : launches_) {
    // defence: untraced-launch-told
    if (which > 0) seen_->lose();
  }
}

void TracedProcesses::interpret(pid_t number, Process& process, const TraceRecord& record) {
  switch (record.type) {
    case KTR_PROCCTOR:
      process.is_foreign = (read_at<unsigned>(record.data, 0).value_or(kFreebsdAbi) & kAbiMask) != kFreebsdAbi;
      break;
    case KTR_PROCDTOR:
      end(number, process, record.time_us);
      break;
    case KTR_SYSCALL:
      enter_call(process, record);
      break;
    case KTR_NAMEI:
      if (const auto call = process.calls.find(record.thread);
          call != process.calls.end() && call->second.names.size() < kMostNames && !process.is_foreign) {
        call->second.names.push_back(text_of(record.data));
      } else {
        seen_->lose();
      }
      break;
    case KTR_ARGS:
      if (const auto call = process.calls.find(record.thread); call != process.calls.end())
        call->second.argv0 = text_of(record.data);
      break;
    case KTR_SYSRET:
      leave_call(number, process, record);
      break;
    default:
      break;
  }
}

void TracedProcesses::enter_call(Process& process, const TraceRecord& record) {
  const auto head = read_at<short>(record.data, 0);
  if (!head) return seen_->lose();
  Call call{.kind = &traced_call(*head), .number = *head, .began_us = record.time_us};
  for (std::size_t i = 0; i < call.arguments.size(); ++i)
    call.arguments.at(i) =
        read_at<std::uint64_t>(record.data, offsetof(ktr_syscall, ktr_args) + i * sizeof(register_t)).value_or(0);
  if (const auto before = process.calls.find(record.thread); before != process.calls.end()) abandon(before->second);
  if (call.kind->kind == Kind::kEndThread) {
    process.calls.erase(record.thread);
  } else {
    process.calls[record.thread] = std::move(call);
  }
}

void TracedProcesses::leave_call(pid_t number, Process& process, const TraceRecord& record) {
  const auto ret = read_at<ktr_sysret>(record.data, 0);
  const auto found = process.calls.find(record.thread);
  // Of a child its first record can be that fork(2) came back.
  if (!ret || found == process.calls.end()) return;
  const Call call = std::move(found->second);
  process.calls.erase(found);
  if (call.number != ret->ktr_code) return abandon(call);
  const Outcome outcome{.err = ret->ktr_error, .value = ret->ktr_retval};
  const Kind kind = call.kind->kind;
  if (outcome.err == kBeginsAgain) return;
  // Some kernels let root of a jail do that (prison_priv_check, PRIV_KTRACE).
  if (kind == Kind::kTrace && outcome.err == 0) return seen_->lose();
  if (kind == Kind::kExecute || kind == Kind::kExecuteOpen) return execute(number, process, call, outcome);
  // Of its own steps only the search for the program counts (execute_first).
  if (!process.is_starting || call.number == kAccess) look_up(number, process, call, outcome);
  if (outcome.err != 0) return;
  if (kind == Kind::kFork || kind == Kind::kForkAsFlagged) return fork(number, process, call, outcome, record.time_us);
  change_folders(process, call, outcome);
}

void TracedProcesses::look_up(pid_t number, const Process& process, const Call& call, Outcome outcome) {
  const Kind kind = call.kind->kind;
  if (kind == Kind::kOfNoFile || kind == Kind::kTellDirectory) return;
  if (kind == Kind::kList) {
    if (outcome.err != 0) return;
    auto path = process.folders->path_of(call.descriptor(0), "");
    if (!path) return seen_->lose();
    return seen_->add(number, {.path = std::move(*path), .use = Use::kList});
  }
  // It is not known which name was recorded again.
  if (call.has_two_names() && call.names.size() > 2) return seen_->lose();
  const std::uint64_t flags = call.kind->flags == TracedCall::kNone || kind != Kind::kOpen
                                  ? 0
                                  : call.arguments.at(static_cast<std::size_t>(call.kind->flags));
  for (std::size_t nth = 0; nth < call.names.size(); ++nth) {
    // The file of the descriptor is known since it was opened.
    if (call.names.at(nth).empty()) continue;
    auto path = process.folders->path_of(call.folder(nth), call.names.at(nth));
    if (!path) {
      seen_->lose();
      continue;
    }
    Found found = Found::kThere;
    // The names before the last were found, or the kernel would have stopped there.
    if (outcome.err > 0 && nth + 1 == call.names.size()) found = found_by(outcome.err);
    if (outcome.err == 0 && has_made(kind, flags, nth)) found = Found::kMissing;
    // The kernel does not record which of the two the call did.
    if (outcome.err == 0 && may_have_made(kind, flags) && made_since_(*path, call.began_us)) found = Found::kMissing;
    const Use use = use_of(kind, flags);
    // The content of the file may matter, if there was one.
    const bool reads_too = kind == Kind::kOpen && (flags & O_ACCMODE) == O_RDWR && (flags & O_TRUNC) == 0;
    if (reads_too && use == Use::kWrite) seen_->add(number, {.path = *path, .found = found, .use = Use::kRead});
    seen_->add(number, {.path = std::move(*path), .found = found, .use = use});
  }
}

// The names are the program, unless it is open already, and its interpreters.
void TracedProcesses::execute(pid_t number, Process& process, const Call& call, Outcome outcome) {
  const bool is_open = call.kind->kind == Kind::kExecuteOpen;
  if (outcome.err != kExecuted && outcome.err != 0) return look_up(number, process, call, outcome);
  std::optional<std::string> program;
  if (is_open) {
    program = process.folders->path_of(call.descriptor(0), "");
  } else if (!call.names.empty()) {
    program = process.folders->path_of(KnownFolders::kWorkingDirectory, call.names.front());
  }
  Call interpreters = call;
  if (!is_open && !interpreters.names.empty()) interpreters.names.erase(interpreters.names.begin());
  look_up(number, process, interpreters, outcome);
  if (!program) seen_->lose();
  seen_->execute(number, program.value_or(std::string()), call.argv0);
  if (program) seen_->add(number, {.path = std::move(*program), .use = Use::kExecute});
  process.is_starting = false;
  // The calls of its other threads, which have ended.
  for (const auto& [thread, other] : process.calls) abandon(other);
  process.calls.clear();
  process.folders->execute();
}

void TracedProcesses::change_folders(Process& process, const Call& call, Outcome outcome) {
  KnownFolders& folders = *process.folders;
  const auto named = [&folders, &call]() -> std::optional<std::string> {
    if (call.names.empty()) return std::nullopt;
    return folders.path_of(KnownFolders::kWorkingDirectory, call.names.front());
  };
  const auto opened = [&folders, &call] { return folders.path_of(call.descriptor(0), ""); };
  const auto known = [this](std::optional<std::string> path) {
    if (!path) seen_->lose();
    return path;
  };
  const auto value = static_cast<int>(outcome.value);
  switch (call.kind->kind) {
    case Kind::kOpen: {
      const std::uint64_t flags = call.arguments.at(static_cast<std::size_t>(call.kind->flags));
      auto path = call.names.empty() ? std::nullopt : folders.path_of(call.folder(0), call.names.front());
      folders.close(value);
      // A folder is never open to be written.
      if (path && !is_written(flags))
        folders.open(value, std::move(*path), (flags & O_CLOEXEC) != 0, (flags & O_CLOFORK) != 0);
      break;
    }
    case Kind::kChangeDirectory:
      folders.enter(known(named()));
      break;
    case Kind::kChangeDirectoryOpen:
      folders.enter(known(opened()));
      break;
    case Kind::kTellDirectory:
      // The path is the kernel's own, and has no links in it.
      folders.enter(known(named()));
      break;
    case Kind::kChangeRoot:
      folders.change_root(known(named()));
      break;
    case Kind::kChangeRootOpen:
      folders.change_root(known(opened()));
      break;
    case Kind::kEnter:
      if (!process.is_starting) seen_->lose();
      folders.change_root("/");
      folders.enter("/");
      break;
    case Kind::kClose:
      folders.close(call.descriptor(0));
      break;
    case Kind::kCloseRange:
      // CLOSE_RANGE_CLOFORK, which headers of 14 lack, keeps the descriptors from a child: then they are forgotten.
      folders.close_range(call.descriptor(0), static_cast<unsigned>(call.arguments[1]),
                          call.descriptor(2) == CLOSE_RANGE_CLOEXEC);
      break;
    case Kind::kCloseFrom:
      folders.close_from(call.descriptor(0));
      break;
    case Kind::kDuplicate:
      folders.duplicate(call.descriptor(0), value, false);
      break;
    case Kind::kDuplicateTo:
      folders.duplicate(call.descriptor(0), call.descriptor(1), false);
      break;
    case Kind::kControl:
      control(folders, call, outcome);
      break;
    default:
      break;
  }
}

void TracedProcesses::control(KnownFolders& folders, const Call& call, Outcome outcome) {
  constexpr int kCommandMask = (1 << F_DUP3FD_SHIFT) - 1;
  const int descriptor = call.descriptor(0);
  const int command = call.descriptor(1);
  const auto value = static_cast<int>(outcome.value);
  switch (command & kCommandMask) {
    case F_DUPFD:
    case F_DUP2FD:
      return folders.duplicate(descriptor, value, false);
    case F_DUPFD_CLOEXEC:
    case F_DUP2FD_CLOEXEC:
      return folders.duplicate(descriptor, value, true);
    case F_DUP3FD:
      folders.duplicate(descriptor, value, ((command >> F_DUP3FD_SHIFT) & FD_CLOEXEC) != 0);
      if (((command >> F_DUP3FD_SHIFT) & FD_CLOFORK) != 0) folders.close(value);
      return;
    case F_SETFD:
      if ((call.descriptor(2) & FD_CLOFORK) != 0) return folders.close(descriptor);
      return folders.set_closes_on_exec(descriptor, (call.descriptor(2) & FD_CLOEXEC) != 0);
    default:
      return;
  }
}

void TracedProcesses::fork(pid_t number, const Process& process, const Call& call, Outcome outcome,
                           std::int64_t time_us) {
  const auto child = static_cast<pid_t>(outcome.value);
  if (child <= 0) return;
  bool are_shared = false;
  bool are_closed = false;
  if (call.kind->kind == Kind::kForkAsFlagged) {
    const auto flags = static_cast<std::uint32_t>(call.descriptor(call.kind->flags));
    are_closed = (flags & RFCFDG) != 0;
    are_shared = (flags & (RFFDG | RFCFDG | RFSPAWN)) == 0;
  }
  auto folders = are_shared ? process.folders : process.folders->copy();
  if (are_closed) folders->close_from(0);
  adoptions_.push_back({child, number, std::move(folders), time_us});
}

void TracedProcesses::abandon(const Call& call) {
  if (!call.names.empty() || call.kind->kind == Kind::kTrace) seen_->lose();
}

void TracedProcesses::end(pid_t number, Process& process, std::int64_t time_us) {
  for (const auto& [thread, call] : process.calls) abandon(call);
  seen_->end(number, time_us);
  process.has_ended = true;
}

}  // namespace buildjail
