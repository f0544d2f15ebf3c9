#include "linux/wanted_path.h"

#include <fcntl.h>

#include <climits>
#include <cstdint>
#include <utility>

#include "linux/caller_memory.h"
#include "linux/caller_path.h"
#include "linux/path_names.h"

namespace buildjail {

namespace {

using Kind = PathCall::Kind;
using Link = PathCall::Link;

/** Flags of the *at family. */
constexpr std::uint64_t kAtNoFollow = 0x100, kAtFollow = 0x400;
/** Flags of open(2) that differ between architectures. */
constexpr std::uint64_t kTemporary = 020000000;

Use use_of_open(std::uint64_t flags) {
  if ((flags & (O_PATH | O_DIRECTORY)) != 0) return Use::kLook;
  const bool is_written = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
  return is_written ? Use::kWrite : Use::kRead;
}

}  // namespace

std::optional<std::string> start_of(pid_t thread, int descriptor, Doubt& doubt) {
  const std::string entry = "/proc/" + std::to_string(thread) + "/";
  return read_link(entry + (descriptor == kCallersDirectory ? "cwd" : "fd/" + std::to_string(descriptor)), doubt);
}

std::optional<WantedPath> wanted_by(const CallNotice& notice, const PathCall& call, const PathArgument& argument,
                                    Doubt& doubt) {
  const auto value = [&notice](std::int8_t index) { return notice.arguments.at(static_cast<std::size_t>(index)); };
  const auto descriptor = argument.folder == PathArgument::kNone
                              ? kCallersDirectory
                              : static_cast<std::int32_t>(static_cast<std::uint32_t>(value(argument.folder)));
  WantedPath wanted{.path = {}, .use = Use::kLook, .follows = true};
  if (call.kind == Kind::kList) {
    // If it is no folder or is closed, the call fails by itself.
    wanted.path = start_of(notice.thread, descriptor, doubt).value_or(std::string());
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
    // With this flag the call takes the folder of the path as its root.
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
    // The file of a descriptor is known since it was opened. Only its execution is new.
    if (call.kind == Kind::kExecute) wanted.path = start_of(notice.thread, descriptor, doubt).value_or(std::string());
    return wanted;
  }
  // A slash behind a link follows it (path_resolution(7)), unless the call renames or removes.
  if ((wanted.use != Use::kWrite || is_open) && (path->ends_with('/') || path->ends_with("/."))) wanted.follows = true;
  if (path->front() != '/') {
    const auto start = start_of(notice.thread, descriptor, doubt);
    // Without a folder the call fails.
    if (!start) return wanted;
    *path = from_folder(*start, *path);
    // The kernel takes such a path, but no look from the root can (path_resolution(7), ENAMETOOLONG).
    if (path->size() >= PATH_MAX) return std::nullopt;
  }
  wanted.path = plain(*path);
  if (leads_out_of_proc(through_devices(wanted.path))) return std::nullopt;
  return wanted;
}

}  // namespace buildjail
