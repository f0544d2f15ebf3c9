#include "linux/path_calls.h"

namespace buildjail {

namespace {

using Kind = PathCall::Kind;
using Link = PathCall::Link;
using Paths = std::array<PathArgument, 2>;

constexpr PathArgument at(std::int8_t path) { return {.path = path}; }
constexpr PathArgument in(std::int8_t folder, std::int8_t path) { return {.folder = folder, .path = path}; }

// Numbers of the kernel: its headers are not installed wherever a compiler is. arm64 has no call of the older kind,
// without a folder.
constexpr std::array kCalls = {
    PathCall{"open", 2, kNoSuchCall, Kind::kOpen, {at(0)}, Link::kHoldsBy, 1},
    PathCall{"creat", 85, kNoSuchCall, Kind::kChange, {at(0)}},
    PathCall{"openat", 257, 56, Kind::kOpen, {in(0, 1)}, Link::kHoldsBy, 2},
    PathCall{"openat2", 437, 437, Kind::kOpenHow, {in(0, 1)}, Link::kHoldsBy, 2},
    PathCall{"execve", 59, 221, Kind::kExecute, {at(0)}},
    PathCall{"execveat", 322, 281, Kind::kExecute, {in(0, 1)}, Link::kHoldsBy, 4},
    PathCall{"stat", 4, kNoSuchCall, Kind::kLook, {at(0)}},
    PathCall{"lstat", 6, kNoSuchCall, Kind::kLook, {at(0)}, Link::kHolds},
    PathCall{"newfstatat", 262, 79, Kind::kLook, {in(0, 1)}, Link::kHoldsBy, 3},
    PathCall{"statx", 332, 291, Kind::kLook, {in(0, 1)}, Link::kHoldsBy, 2},
    PathCall{"access", 21, kNoSuchCall, Kind::kLook, {at(0)}},
    PathCall{"faccessat", 269, 48, Kind::kLook, {in(0, 1)}},
    PathCall{"faccessat2", 439, 439, Kind::kLook, {in(0, 1)}, Link::kHoldsBy, 3},
    PathCall{"readlink", 89, kNoSuchCall, Kind::kLook, {at(0)}, Link::kHolds},
    PathCall{"readlinkat", 267, 78, Kind::kLook, {in(0, 1)}, Link::kHolds},
    PathCall{"statfs", 137, 43, Kind::kLook, {at(0)}},
    PathCall{"chdir", 80, 49, Kind::kLook, {at(0)}},
    PathCall{"chroot", 161, 51, Kind::kLook, {at(0)}},
    PathCall{"getxattr", 191, 8, Kind::kLook, {at(0)}},
    PathCall{"lgetxattr", 192, 9, Kind::kLook, {at(0)}, Link::kHolds},
    PathCall{"getxattrat", 464, 464, Kind::kLook, {in(0, 1)}, Link::kHoldsBy, 2},
    PathCall{"listxattr", 194, 11, Kind::kLook, {at(0)}},
    PathCall{"llistxattr", 195, 12, Kind::kLook, {at(0)}, Link::kHolds},
    PathCall{"listxattrat", 465, 465, Kind::kLook, {in(0, 1)}, Link::kHoldsBy, 2},
    PathCall{"file_getattr", 468, 468, Kind::kLook, {in(0, 1)}, Link::kHoldsBy, 4},
    PathCall{"inotify_add_watch", 254, 27, Kind::kLook, {at(1)}},
    PathCall{"fanotify_mark", 301, 263, Kind::kLook, {in(3, 4)}},
    PathCall{"open_tree", 428, 428, Kind::kLook, {in(0, 1)}, Link::kHoldsBy, 2},
    PathCall{"name_to_handle_at", 303, 264, Kind::kLook, {in(0, 1)}, Link::kFollowsBy, 4},
    PathCall{"getdents", 78, kNoSuchCall, Kind::kList, {PathArgument{.folder = 0}}},
    PathCall{"getdents64", 217, 61, Kind::kList, {PathArgument{.folder = 0}}},
    PathCall{"mkdir", 83, kNoSuchCall, Kind::kMake, {at(0)}, Link::kHolds},
    PathCall{"mkdirat", 258, 34, Kind::kMake, {in(0, 1)}, Link::kHolds},
    PathCall{"mknod", 133, kNoSuchCall, Kind::kMake, {at(0)}, Link::kHolds},
    PathCall{"mknodat", 259, 33, Kind::kMake, {in(0, 1)}, Link::kHolds},
    PathCall{"bind", 49, 200, Kind::kBind, {at(1)}, Link::kHolds},
    PathCall{"rmdir", 84, kNoSuchCall, Kind::kChange, {at(0)}, Link::kHolds},
    PathCall{"unlink", 87, kNoSuchCall, Kind::kChange, {at(0)}, Link::kHolds},
    PathCall{"unlinkat", 263, 35, Kind::kChange, {in(0, 1)}, Link::kHolds},
    // None of these looks up the text of a new link.
    PathCall{"symlink", 88, kNoSuchCall, Kind::kMake, {at(1)}, Link::kHolds},
    PathCall{"symlinkat", 266, 36, Kind::kMake, {in(1, 2)}, Link::kHolds},
    PathCall{"link", 86, kNoSuchCall, Kind::kChange, {at(0), at(1)}, Link::kHolds},
    PathCall{"linkat", 265, 37, Kind::kChange, {in(0, 1), in(2, 3)}, Link::kFollowsBy, 4},
    PathCall{"rename", 82, kNoSuchCall, Kind::kChange, {at(0), at(1)}, Link::kHolds},
    PathCall{"renameat", 264, 38, Kind::kChange, {in(0, 1), in(2, 3)}, Link::kHolds},
    PathCall{"renameat2", 316, 276, Kind::kChange, {in(0, 1), in(2, 3)}, Link::kHolds},
    PathCall{"truncate", 76, 45, Kind::kChange, {at(0)}},
    PathCall{"chmod", 90, kNoSuchCall, Kind::kChange, {at(0)}},
    PathCall{"fchmodat", 268, 53, Kind::kChange, {in(0, 1)}},
    PathCall{"fchmodat2", 452, 452, Kind::kChange, {in(0, 1)}, Link::kHoldsBy, 3},
    PathCall{"chown", 92, kNoSuchCall, Kind::kChange, {at(0)}},
    PathCall{"lchown", 94, kNoSuchCall, Kind::kChange, {at(0)}, Link::kHolds},
    PathCall{"fchownat", 260, 54, Kind::kChange, {in(0, 1)}, Link::kHoldsBy, 4},
    PathCall{"utime", 132, kNoSuchCall, Kind::kChange, {at(0)}},
    PathCall{"utimes", 235, kNoSuchCall, Kind::kChange, {at(0)}},
    PathCall{"futimesat", 261, kNoSuchCall, Kind::kChange, {in(0, 1)}},
    PathCall{"utimensat", 280, 88, Kind::kChange, {in(0, 1)}, Link::kHoldsBy, 3},
    PathCall{"setxattr", 188, 5, Kind::kChange, {at(0)}},
    PathCall{"lsetxattr", 189, 6, Kind::kChange, {at(0)}, Link::kHolds},
    PathCall{"setxattrat", 463, 463, Kind::kChange, {in(0, 1)}, Link::kHoldsBy, 2},
    PathCall{"removexattr", 197, 14, Kind::kChange, {at(0)}},
    PathCall{"lremovexattr", 198, 15, Kind::kChange, {at(0)}, Link::kHolds},
    PathCall{"removexattrat", 466, 466, Kind::kChange, {in(0, 1)}, Link::kHoldsBy, 2},
    PathCall{"file_setattr", 469, 469, Kind::kChange, {in(0, 1)}, Link::kHoldsBy, 4},
};

}  // namespace

std::span<const PathCall> path_calls() { return kCalls; }

}  // namespace buildjail
