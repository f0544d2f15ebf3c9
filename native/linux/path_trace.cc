#include "linux/path_trace.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

#include "base/text.h"
#include "base/tolerated.h"
#include "linux/caller_path.h"
#include "linux/raw_calls.h"

namespace buildjail {

namespace {

using Kind = PathCall::Kind;
using Link = PathCall::Link;

constexpr std::size_t kMostCallers = 16'384;
constexpr std::size_t kMostInterpreted = 2'000;
constexpr int kMostInterpreters = 5;
constexpr std::size_t kMostStraightened = 1'000;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kUsualText = 256;

/** Flags of the *at family. */
constexpr std::uint64_t kAtNoFollow = 0x100, kAtFollow = 0x400;
/** Flags of open(2) that differ between architectures. */
constexpr std::uint64_t kTemporary = 020000000;

/** Reads the memory of a thread. Returns how much of it is there. */
std::size_t read_memory(pid_t thread, std::uint64_t address, std::span<std::byte> into) {
  const Tolerated tolerated("the call is counted as lost");
  std::size_t size = 0;
  while (size < into.size()) {
    // A page that is not there fails a part of the list as a whole (process_vm_readv(2)).
    const std::size_t to_page_end = kPage - (address + size) % kPage;
    const std::size_t wanted = std::min(into.size() - size, to_page_end);
    const iovec local{.iov_base = into.data() + size, .iov_len = wanted};
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address of another process.
    const iovec remote{.iov_base = reinterpret_cast<void*>(address + size), .iov_len = wanted};
    const ssize_t got = ::process_vm_readv(thread, &local, 1, &remote, 1, 0);
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
    const auto read = into.first(size);
    if (std::ranges::find(read, std::byte{0}) != read.end()) break;
  }
  return size;
}

/** A text with a zero at its end, no longer than `most`. */
std::optional<std::string> read_text(pid_t thread, std::uint64_t address, std::size_t most) {
  std::string text;
  for (std::size_t step = kUsualText; text.size() < most; step = most) {
    const std::size_t before = text.size();
    text.resize(std::min(most, before + step));
    const auto room = std::as_writable_bytes(std::span(text)).subspan(before);
    const std::size_t got = read_memory(thread, address + before, room);
    text.resize(before + got);
    if (const std::size_t end = text.find('\0', before); end != std::string::npos) {
      text.resize(end);
      return text;
    }
    if (got < room.size()) return std::nullopt;
  }
  return std::nullopt;
}

/** The path of a socket's address (unix(7)). Empty where it has none: of another family, or of no file. */
std::optional<std::string> read_socket_path(pid_t thread, std::uint64_t address, std::uint32_t size) {
  constexpr std::size_t kBefore = offsetof(sockaddr_un, sun_path);
  std::uint16_t family = 0;
  if (size <= kBefore || size > sizeof(sockaddr_un)) return std::string();
  if (read_memory(thread, address, std::as_writable_bytes(std::span(&family, 1))) < sizeof(family)) return std::nullopt;
  if (family != AF_UNIX) return std::string();
  // No zero needs to be behind it.
  std::string path(size - kBefore, '\0');
  const std::size_t got = read_memory(thread, address + kBefore, std::as_writable_bytes(std::span(path)));
  const std::size_t end = path.find('\0');
  if (got < path.size() && end >= got) return std::nullopt;
  path.resize(std::min(end, path.size()));
  return path;
}

std::optional<std::uint64_t> read_number64(pid_t thread, std::uint64_t address) {
  std::uint64_t number = 0;
  const auto bytes = std::as_writable_bytes(std::span(&number, 1));
  const iovec local{.iov_base = bytes.data(), .iov_len = bytes.size()};
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address of another process.
  const iovec remote{.iov_base = reinterpret_cast<void*>(address), .iov_len = bytes.size()};
  const Tolerated tolerated("the call is counted as lost");
  if (::process_vm_readv(thread, &local, 1, &remote, 1, 0) != static_cast<ssize_t>(bytes.size())) return std::nullopt;
  return number;
}

std::optional<std::string> read_link(const std::string& path, Doubt& doubt) {
  std::array<char, PATH_MAX> text{};
  const ssize_t size = ::readlink(path.c_str(), text.data(), text.size());
  // A descriptor that is closed, or whose process has ended.
  if (size < 0) doubt.note(errno, {ENOENT});
  if (size <= 0 || text.front() != '/') return std::nullopt;
  return std::string(text.data(), static_cast<std::size_t>(size));
}

/** Where a thread's relative paths begin: its working directory, or the folder of a descriptor. */
std::optional<std::string> start_of(pid_t thread, int descriptor, Doubt& doubt) {
  const std::string entry = "/proc/" + std::to_string(thread) + "/";
  return read_link(entry + (descriptor == kCallersDirectory ? "cwd" : "fd/" + std::to_string(descriptor)), doubt);
}

/** Without empty components and `.`. */
std::string plain(std::string_view path) {
  std::string all;
  all.reserve(path.size());
  while (!path.empty()) {
    const std::string_view name = cut(path, '/');
    if (name.empty() || name == ".") continue;
    all += '/';
    all += name;
  }
  return all.empty() ? "/" : all;
}

std::string parent_of(const std::string& path) {
  const std::size_t end = path.find_last_of('/');
  return end == 0 || end == std::string::npos ? "/" : path.substr(0, end);
}

/** The folder that a path is in, and the name in it with its slash; of a path that ends in `..` all is the folder. */
std::pair<std::string, std::string> folder_and_name(const std::string& path) {
  if (path.ends_with("/..")) return {path, std::string()};
  return {parent_of(path), path.substr(path.find_last_of('/'))};
}

bool goes_up(std::string_view path) { return path.ends_with("/..") || path.find("/../") != std::string_view::npos; }

/**
 * A relative path from a folder. No link is in what /proc says of that, so its own text tells what `..` leads to, even
 * of one that was removed.
 */
std::string from_folder(std::string folder, std::string_view relative) {
  std::string names = plain(relative);
  while (names == "/.." || names.starts_with("/../")) {
    folder = parent_of(folder);
    names.erase(0, std::string_view("/..").size());
  }
  return plain(folder + "/" + names);
}

/** Links of devices to those of the caller's descriptors (proc_pid_fd(5)). */
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kDeviceLinks = {{
    {"/dev/fd", "/proc/self/fd"},
    {"/dev/stdin", "/proc/self/fd/0"},
    {"/dev/stdout", "/proc/self/fd/1"},
    {"/dev/stderr", "/proc/self/fd/2"},
}};

/** The path that a link of /dev to a descriptor leads to. */
std::string through_devices(const std::string& path) {
  for (const auto& [link, target] : kDeviceLinks)
    if (is_within(path, link)) return std::string(target) + path.substr(link.size());
  return path;
}

/** A link to a descriptor in /proc. */
bool is_descriptor(const std::string& path) { return path.starts_with("/proc/") && parent_of(path).ends_with("/fd"); }

/** The number of a descriptor of the caller itself. */
std::optional<int> own_descriptor(std::string_view path) {
  constexpr std::array<std::string_view, 2> kOwn = {"/proc/self/fd/", "/proc/thread-self/fd/"};
  int number = 0;
  for (const std::string_view own : kOwn)
    if (path.starts_with(own) && read_number(path.substr(own.size()), number)) return number;
  return std::nullopt;
}

/**
 * Through a link of a process in /proc, which leads elsewhere for each (proc_pid_cwd(5), proc_pid_root(5),
 * proc_pid_fd(5)).
 */
bool leads_out_of_proc(std::string_view path) {
  if (!path.starts_with("/proc/")) return false;
  while (!path.empty()) {
    const std::string_view name = cut(path, '/');
    if ((name == "cwd" || name == "root") && !path.empty()) return true;
    if (name == "fd") return path.find('/') != std::string_view::npos;
  }
  return false;
}

/** A file in the session, or the errno of the look-up. */
Pinned pin_by(const UniqueFd& folder, const std::string& path, int flags, std::uint64_t resolve, Doubt& doubt) {
  constexpr int kTries = 4;
  const raw::OpenHow how{.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC, .resolve = resolve};
  int err = 0;
  // Where something is renamed meanwhile, `..` is not certain (openat2(2), EAGAIN).
  for (int tries = 0; tries < kTries; ++tries) {
    const int fd = raw::openat2(folder.get(), path.c_str(), how);
    if (fd >= 0) return {.file = UniqueFd(fd)};
    err = errno;
    if (err != EAGAIN && err != EINTR) break;
  }
  doubt.note(err, {ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EACCES, ENXIO, EAGAIN, EXDEV});
  return {.file = {}, .err = err};
}

Pinned pin(const UniqueFd& root, const std::string& path, int flags, Doubt& doubt) {
  constexpr std::uint64_t kInRoot = 0x10;
  // defence: trace-looks-in-root
  constexpr std::uint64_t kResolve = kInRoot | raw::kResolveNoMagicLinks;
  return pin_by(root, path, flags, kResolve, doubt);
}

std::string real_path(const UniqueFd& file, Doubt& doubt) {
  return read_link("/proc/self/fd/" + std::to_string(file.get()), doubt).value_or(std::string());
}

/** Empty if it is no link. */
std::string text_of_link(const UniqueFd& file, Doubt& doubt) {
  std::array<char, PATH_MAX> text{};
  const Tolerated tolerated("the call is counted as lost");
  const ssize_t size = ::readlinkat(file.get(), "", text.data(), text.size());
  // EINVAL: the file is no link (readlink(2)).
  if (size < 0) doubt.note(errno, {EINVAL, ENOENT});
  return size <= 0 ? std::string() : std::string(text.data(), static_cast<std::size_t>(size));
}

std::string in_folder(const std::string& folder, std::string_view names) {
  return folder == "/" ? std::string(names) : folder + std::string(names);
}

/** Where the kernel stops on a path. */
struct Stop {
  /** What is missing there, or the file that is in the place of a folder. */
  std::string path;
  /** What of the path is behind it. */
  std::string rest{};
  /** Links lead to what is below /proc, which is another for each process. */
  bool is_in_proc = false;
};

/** Where the names of a path end. */
std::vector<std::size_t> ends_of(const std::string& path) {
  std::vector<std::size_t> ends;
  for (std::size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1))
    ends.push_back(end);
  ends.push_back(path.size());
  return ends;
}

/** Of a path that is not there. Empty where it goes in a circle, or something on it has gone meanwhile. */
std::optional<Stop> stop_of(const UniqueFd& root, std::string path, bool follows, Doubt& doubt) {
  constexpr int kMostLinks = 40;
  for (int links = 0; links <= kMostLinks; ++links) {
    const auto ends = ends_of(path);
    const auto last = ends.end() - 1;
    auto missing = last;
    Pinned above = pin(root, parent_of(path), O_PATH, doubt);
    // Mostly the last name alone is missing. Else there may be thousands.
    if (!above.file) {
      const auto is_there = [&](std::size_t end) {
        return static_cast<bool>(pin(root, path.substr(0, end), O_PATH, doubt).file);
      };
      missing = std::partition_point(ends.begin(), last, is_there);
      above = pin(root, missing == ends.begin() ? "/" : path.substr(0, *(missing - 1)), O_PATH, doubt);
    }
    std::string folder = above.file ? real_path(above.file, doubt) : std::string();
    if (folder.empty()) return std::nullopt;
    const std::size_t begin = missing == ends.begin() ? 0 : *(missing - 1);
    if (is_within(folder, "/proc")) return Stop{.path = in_folder(folder, path.substr(begin)), .is_in_proc = true};
    const std::string name = path.substr(begin, *missing - begin);
    std::string rest = path.substr(*missing);
    // No folder is there to go up from (path_resolution(7), ENOTDIR).
    if (name == "/..") return Stop{.path = folder};
    const bool is_held = missing == last && !follows;
    const Pinned link = is_held ? Pinned() : pin(root, path.substr(0, *missing), O_PATH | O_NOFOLLOW, doubt);
    const std::string text = link.file ? text_of_link(link.file, doubt) : std::string();
    if (text.empty()) {
      std::string at = in_folder(folder, name);
      return Stop{.path = std::move(at), .rest = std::move(rest)};
    }
    path = text.front() == '/' ? std::string() : folder + "/";
    path += text;
    path += rest;
    path = plain(path);
  }
  return std::nullopt;
}

/** Since 1970. */
std::int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

bool is_missing(int err) { return err == ENOENT || err == ENOTDIR || err == ELOOP || err == ENAMETOOLONG; }

int access_for(Use use) {
  if (use == Use::kRead) return R_OK;
  if (use == Use::kWrite) return W_OK;
  return use == Use::kExecute ? X_OK : F_OK;
}

/** EROFS, or EACCES if the rights of this thread are too few; 0 where the use is allowed. */
int refusal_of(const UniqueFd& file, Use use, Doubt& doubt) {
  const int mode = access_for(use);
  // AT_EACCESS: by the ids for files. Before Linux 5.8 there is no such call.
  if (mode == F_OK || ::syscall(439, file.get(), "", mode, AT_EACCESS | raw::kEmptyPath) == 0) return 0;
  const int err = errno;
  doubt.note(err, {EACCES, EROFS, ENOSYS});
  return err == EACCES || err == EROFS ? err : 0;
}

Use use_of_open(std::uint64_t flags) {
  if ((flags & (O_PATH | O_DIRECTORY)) != 0) return Use::kLook;
  const bool is_written = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
  return is_written ? Use::kWrite : Use::kRead;
}

/** The program that a script names, or the loader that an ELF program names; empty if it names neither. */
std::string interpreter_of(const UniqueFd& program, Doubt& doubt) {
  const auto read_at = [&](std::span<std::byte> into, std::uint64_t offset) {
    const ssize_t size = ::pread(program.get(), into.data(), into.size(), static_cast<off_t>(offset));
    // The offset is the file's own word.
    if (size < 0) doubt.note(errno, {EINVAL});
    return size;
  };
  std::array<char, kUsualText> head{};
  const ssize_t size = read_at(std::as_writable_bytes(std::span(head)), 0);
  if (size < 2) return {};
  std::string_view text(head.data(), static_cast<std::size_t>(size));
  if (text.starts_with("#!")) {
    text = text.substr(2);
    text = cut(text, '\n');
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return std::string(text.substr(0, text.find_first_of(" \t")));
  }
  Elf64_Ehdr header{};
  if (text.size() < sizeof(header)) return {};
  std::memcpy(&header, text.data(), sizeof(header));
  if (std::memcmp(&header.e_ident[0], ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof(Elf64_Phdr)) return {};
  constexpr unsigned kMostHeaders = 64;
  std::vector<Elf64_Phdr> parts(std::min<unsigned>(header.e_phnum, kMostHeaders));
  const auto bytes = std::as_writable_bytes(std::span(parts));
  if (parts.empty() || read_at(bytes, header.e_phoff) != static_cast<ssize_t>(bytes.size())) return {};
  const auto named = std::ranges::find(parts, static_cast<Elf64_Word>(PT_INTERP), &Elf64_Phdr::p_type);
  if (named == parts.end()) return {};
  std::string name(std::min<std::size_t>(named->p_filesz, PATH_MAX), '\0');
  if (read_at(std::as_writable_bytes(std::span(name)), named->p_offset) != static_cast<ssize_t>(name.size())) return {};
  return name.substr(0, name.find('\0'));
}

}  // namespace

LastingPlaces::LastingPlaces(const EnvelopePlan& plan, const std::vector<Step>& rest)
    : is_any_(!plan.allowed.has(Allowance::kUserNamespaces)) {
  const auto add = [this](const Step& step) {
    if (const auto* const bind = std::get_if<Bind>(&step))
      places_.push_back({bind->target, !bind->is_writable && !bind->is_overlay});
    if (const auto* const tmpfs = std::get_if<MountTmpfs>(&step)) places_.push_back({tmpfs->target, false});
    if (const auto* const dev = std::get_if<MountDev>(&step)) places_.push_back({dev->target, false});
    if (const auto* const proc = std::get_if<MountProc>(&step)) places_.push_back({proc->target, false});
  };
  std::ranges::for_each(plan.steps, add);
  if (&rest != &plan.steps) std::ranges::for_each(rest, add);
}

// The root itself is read-only (namespaces.cc, seal).
std::string_view LastingPlaces::around(std::string_view path) const {
  bool lasts = is_any_;
  std::string_view nearest = "/";
  for (const Place& place : places_) {
    if (place.target.size() < nearest.size() || !is_within(path, place.target)) continue;
    nearest = place.target;
    lasts = is_any_ && place.lasts;
  }
  return lasts ? nearest : std::string_view();
}

PathTrace::PathTrace(std::shared_ptr<SeenPaths> seen, LastingPlaces places, UniqueFd root)
    : seen_(std::move(seen)), places_(std::move(places)), root_(std::move(root)) {
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
  std::vector<Wanted> wanted;
  bool is_lost = caller == nullptr;
  for (const PathArgument& argument : call->paths) {
    if (argument.path == PathArgument::kNone && argument.folder == PathArgument::kNone) continue;
    auto one = wanted_by(notice, *call, argument);
    is_lost = is_lost || !one;
    if (is_lost || one->path.empty()) continue;
    // It opens the file of a descriptor again, and may read what was only looked at (open(2), O_PATH).
    const bool is_read = one->use == Use::kRead || one->use == Use::kExecute || one->reads_too;
    if (const std::string behind = through_devices(one->path); is_read && is_descriptor(behind)) {
      const auto descriptor = own_descriptor(behind);
      // The numbers of processes in a path are those of the session, and the notice has the host's.
      is_lost = !descriptor;
      if (is_lost) continue;
      auto file = start_of(notice.thread, *descriptor, doubt_);
      // What was removed is no file of the host's any more.
      if (file && file->ends_with(" (deleted)")) file.reset();
      if (file && call->kind == Kind::kExecute)
        one->path = std::move(*file);
      else if (file)
        wanted.push_back({.path = std::move(*file), .use = Use::kRead, .follows = true, .is_opened = true});
    }
    // Most calls have a path that is known, and nothing else.
    const bool is_known = call->kind != Kind::kExecute && !one->reads_too && !goes_up(one->path) &&
                          seen_->add_known(caller->process, one->path, one->use, one->follows);
    if (!is_known) wanted.push_back(std::move(*one));
  }
  if (!is_lost && wanted.empty()) return;
  // All of the above was the caller's, and not that of a later thread with its number.
  if (is_lost || !notice.is_waiting()) return doubt_.lose();
  if (call->kind == Kind::kExecute && !wanted.empty()) {
    see_execution(notice, *call, *caller, wanted.front().path, rights);
    return;
  }
  for (Wanted& one : wanted) {
    if (one.reads_too) {
      Wanted read = one;
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
  caller = {.process = process, .rights = std::move(rights)};
  return &caller;
}

// Numbers come again after a while, and no call tells that a process has ended.
void PathTrace::forget_callers() {
  for (const auto& [thread, caller] : callers_) seen_->forget(caller.process);
  callers_.clear();
}

std::optional<PathTrace::Wanted> PathTrace::wanted_by(const CallNotice& notice, const PathCall& call,
                                                      const PathArgument& argument) {
  const auto value = [&notice](std::int8_t index) { return notice.arguments.at(static_cast<std::size_t>(index)); };
  const auto descriptor = argument.folder == PathArgument::kNone
                              ? kCallersDirectory
                              : static_cast<std::int32_t>(static_cast<std::uint32_t>(value(argument.folder)));
  Wanted wanted{.path = {}, .use = Use::kLook, .follows = true};
  if (call.kind == Kind::kList) {
    // One that is no folder, or that is closed, fails by itself.
    wanted.path = start_of(notice.thread, descriptor, doubt_).value_or(std::string());
    wanted.use = Use::kList;
    return wanted;
  }
  std::uint64_t flags = call.flags == PathArgument::kNone ? 0 : value(call.flags);
  if (call.kind == Kind::kOpenHow) {
    // struct open_how (openat2(2)).
    constexpr std::uint64_t kResolveOffset = 16;
    constexpr std::uint64_t kInRoot = 0x10;
    const auto read = read_number64(notice.thread, flags);
    if (!read) return std::nullopt;
    const auto resolve = read_number64(notice.thread, flags + kResolveOffset);
    // Another folder than the session's root is that of the path.
    if (!resolve || (*resolve & kInRoot) != 0) return std::nullopt;
    flags = *read;
  }
  const bool is_open = call.kind == Kind::kOpen || call.kind == Kind::kOpenHow;
  const std::uint64_t holds = is_open ? O_NOFOLLOW : kAtNoFollow;
  if (call.link == Link::kHolds) wanted.follows = false;
  if (call.link == Link::kHoldsBy) wanted.follows = (flags & holds) == 0;
  if (call.link == Link::kFollowsBy) wanted.follows = (flags & kAtFollow) != 0;
  if (is_open) wanted.use = use_of_open(flags);
  if (is_open && (flags & kTemporary) == kTemporary) wanted.use = Use::kLook;
  const bool is_made = call.kind == Kind::kMake || call.kind == Kind::kBind;
  if (call.kind == Kind::kChange || is_made) wanted.use = Use::kWrite;
  if (call.kind == Kind::kExecute) wanted.use = Use::kExecute;
  wanted.is_opened = is_open || call.kind == Kind::kExecute;
  wanted.reads_too = wanted.use == Use::kWrite && is_open && (flags & O_ACCMODE) == O_RDWR && (flags & O_TRUNC) == 0;
  wanted.must_be_made = is_made;
  wanted.may_be_made = wanted.must_be_made || call.kind == Kind::kChange || (is_open && (flags & O_CREAT) != 0);
  // A call without an address is of the descriptor, or fails (utimensat(2), EFAULT).
  if (value(argument.path) == 0) return wanted;
  constexpr std::int8_t kAddressSize = 2;
  auto path = call.kind == Kind::kBind ? read_socket_path(notice.thread, value(argument.path),
                                                          static_cast<std::uint32_t>(value(kAddressSize)))
                                       : read_text(notice.thread, value(argument.path), PATH_MAX);
  if (!path) return std::nullopt;
  if (path->empty()) {
    // The file of a descriptor, which is known since that was opened. Only to execute it is more.
    if (call.kind == Kind::kExecute) wanted.path = start_of(notice.thread, descriptor, doubt_).value_or(std::string());
    return wanted;
  }
  if (path->front() != '/') {
    const auto start = start_of(notice.thread, descriptor, doubt_);
    // No folder: the call fails.
    if (!start) return wanted;
    *path = from_folder(*start, *path);
    // The kernel takes it, and no look from the root can (path_resolution(7), ENAMETOOLONG).
    if (path->size() >= PATH_MAX) return std::nullopt;
  }
  wanted.path = plain(*path);
  if (leads_out_of_proc(through_devices(wanted.path))) return std::nullopt;
  return wanted;
}

void PathTrace::look_up(const Caller& caller, Wanted wanted, BorrowedRights& rights) {
  const auto is_known = [&] {
    return !goes_up(wanted.path) && seen_->add_known(caller.process, wanted.path, wanted.use, wanted.follows);
  };
  straighten_again(wanted);
  if (is_known()) return;
  if (!rights.take(caller.rights->rights) || !straighten(wanted)) return doubt_.lose();
  if (is_known()) return;
  auto found = found_at(wanted);
  if (!found) return doubt_.lose();
  seen_->add(caller.process, std::move(*found));
}

// A link on the way may lead to a place that changes, and back. A folder may be shut to one caller only.
bool PathTrace::lasts(const std::string& path) {
  const std::string_view place = places_.around(path);
  if (place.empty()) return false;
  const Pinned top = pin(root_, std::string(place), O_PATH, doubt_);
  if (!top.file) return false;
  std::string_view rest = std::string_view(path).substr(place.size());
  rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
  // defence: trace-remembers-what-lasts
  constexpr std::uint64_t kStays = raw::kResolveBeneath | raw::kResolveNoOtherMount | raw::kResolveNoMagicLinks;
  const Pinned found = pin_by(top.file, rest.empty() ? "." : std::string(rest), O_PATH, kStays, doubt_);
  return found.file || is_missing(found.err);
}

void PathTrace::lead(Wanted& wanted, const Straight& straight, const std::string& name) {
  if (straight.is_stop)
    wanted = {.path = straight.path, .use = Use::kLook, .follows = true};
  else
    wanted.path = name.empty() ? straight.path : in_folder(straight.path, name);
}

void PathTrace::straighten_again(Wanted& wanted) const {
  if (!goes_up(wanted.path)) return;
  const auto [folder, name] = folder_and_name(wanted.path);
  const auto known = straight_.find(folder);
  if (known == straight_.end()) return;
  lead(wanted, known->second, name);
}

bool PathTrace::straighten(Wanted& wanted) {
  const auto [folder, name] = folder_and_name(wanted.path);
  if (!goes_up(folder)) return true;
  std::optional<Straight> straight;
  if (const Pinned found = pin(root_, folder, O_PATH, doubt_); found.file) {
    straight = {.path = real_path(found.file, doubt_)};
    if (straight->path.empty()) return false;
  } else {
    // Where a folder is missing before `..`, the kernel looks no further (path_resolution(7), ENOENT).
    const auto stop = stop_of(root_, wanted.path, wanted.follows, doubt_);
    if (!stop || stop->is_in_proc) return false;
    const bool is_stop = stop->rest.empty() || goes_up(stop->rest);
    straight = {.path = is_stop ? stop->path : parent_of(stop->path + stop->rest), .is_stop = is_stop};
  }
  const bool is_kept = straight_.size() < kMostStraightened && lasts(folder);
  lead(wanted, *straight, name);
  if (leads_out_of_proc(through_devices(wanted.path))) return false;
  if (is_kept) straight_.emplace(folder, std::move(*straight));
  return true;
}

std::optional<Lookup> PathTrace::found_at(const Wanted& wanted) {
  Lookup lookup{.path = wanted.path, .use = wanted.use, .follows = wanted.follows};
  // These are the kernel's, and another's for each process that looks.
  if (is_within(lookup.path, "/proc")) return lookup;
  const Pinned found = pin(root_, lookup.path, O_PATH | (wanted.follows ? 0 : O_NOFOLLOW), doubt_);
  if (found.file) {
    std::string real = real_path(found.file, doubt_);
    lookup.lasts = real == lookup.path ? !places_.around(real).empty() : lasts(lookup.path);
    // To make, rename or remove a file is a matter of its folder's mode.
    const int refusal = wanted.must_be_made ? 0 : refusal_of(found.file, wanted.use, doubt_);
    if (refusal == EROFS || (refusal != 0 && wanted.is_opened)) lookup.found = Found::kRefused;
    // Another caller may have other rights.
    if (refusal == EACCES) lookup.lasts = false;
    if (real != lookup.path) lookup.leads_to = std::move(real);
    return lookup;
  }
  lookup.found = is_missing(found.err) ? Found::kMissing : Found::kRefused;
  // What is behind a descriptor is looked up by the path of its file.
  if (through_devices(lookup.path) != lookup.path) return lookup;
  const auto stop = stop_of(root_, lookup.path, lookup.follows, doubt_);
  if (!stop) return lookup;
  std::string real = stop->path + stop->rest;
  if (stop->is_in_proc) {
    if (leads_out_of_proc(real) || (wanted.use != Use::kLook && is_descriptor(real))) return std::nullopt;
    lookup.found = Found::kThere;
    lookup.leads_to = std::move(real);
    return lookup;
  }
  lookup.lasts = lasts(lookup.path);
  if (wanted.may_be_made && lookup.lasts) lookup.found = Found::kRefused;
  // Something may come where links lead to.
  if (real != lookup.path) lookup.leads_to = std::move(real);
  return lookup;
}

void PathTrace::see_execution(const CallNotice& notice, const PathCall& call, const Caller& caller,
                              const std::string& path, BorrowedRights& rights) {
  if (!rights.take(caller.rights->rights)) return doubt_.lose();
  Wanted wanted{.path = path, .use = Use::kExecute, .follows = true, .is_opened = true};
  if (goes_up(path) && !straighten(wanted)) return doubt_.lose();
  auto looked_up = found_at(wanted);
  if (!looked_up) return doubt_.lose();
  Lookup& found = *looked_up;
  const pid_t process = caller.process;
  if (found.found == Found::kThere && found.use == Use::kExecute) {
    const auto words = notice.arguments.at(call.paths.front().folder == PathArgument::kNone ? 1 : 2);
    const auto first = words == 0 ? std::nullopt : read_number64(notice.thread, words);
    const auto argv0 = first && *first != 0 ? read_text(notice.thread, *first, PATH_MAX) : std::nullopt;
    // Another thread may have ended meanwhile, and the number be another process's.
    if (!notice.is_waiting()) return doubt_.lose();
    see_interpreters(caller, notice.thread, found.path, rights);
    seen_->execute(process, found.path, argv0.value_or(std::string()));
    // The program may have other rights, and the process has one thread.
    callers_.erase(notice.thread);
    callers_[process] = {.process = process};
  }
  seen_->add(process, std::move(found));
}

void PathTrace::see_interpreters(const Caller& caller, pid_t thread, const std::string& program,
                                 BorrowedRights& rights) {
  std::string at = program;
  for (int depth = 0; depth < kMostInterpreters && !interpreted_.contains(at); ++depth) {
    // Another file of that name may be a fifo by now.
    const Pinned opened = pin(root_, at, O_RDONLY | O_NONBLOCK | O_NOCTTY, doubt_);
    // What can be executed and not read names nothing that is known.
    if (opened.err == EACCES) return doubt_.lose();
    if (!opened.file) return;
    struct stat status{};
    if (::fstat(opened.file.get(), &status) != 0) return doubt_.lose();
    if (!S_ISREG(status.st_mode)) return;
    std::string named = interpreter_of(opened.file, doubt_);
    const bool is_relative = !named.empty() && named.front() != '/';
    if (!is_relative && interpreted_.size() < kMostInterpreted && lasts(at)) interpreted_.insert(at);
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
