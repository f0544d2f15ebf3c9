#include "envelope/keep.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstddef>
#include <ranges>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"
#include "state/file_state.h"
#include "state/folder_below.h"
#include "state/kept_tree.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "keep";
constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/** Something is there that is no folder, or nothing, or a folder that is shut to us. */
bool is_out_of_reach(int err) {
  return err == ENOENT || err == ENOTDIR || err == ELOOP || err == EMLINK || err == EACCES;
}

std::string below(const std::string& folder, const std::string& name) {
  return folder == "/" ? folder + name : folder + "/" + name;
}

/** A build that belongs to us may have shut its folder. It is over: nobody is let in by that. */
bool is_open_to_us(int folder) {
  if (UniqueFd(::openat(folder, ".", kDirectory))) return true;
  if (errno != EACCES) return false;
  if (set_mode(folder, S_IRWXU)) return true;
  errno = EACCES;
  return false;
}

SysError refused(int err, const std::string& path, const char* why) {
  return SysError{.step = kStep, .syscall = "fstat", .err = err, .path = path, .dest = {}, .detail = why};
}

/** Of a call that opens a folder and follows no link. */
SysError not_opened(const char* call, const std::string& path) {
  auto error = last_error(kStep, call, path);
  if (error.err == ENOTDIR || error.err == ELOOP || error.err == EMLINK) error.detail = "it is a link, or no folder";
  return error;
}

/** The folder that is meant, found anew: it is made if it was missing, and nothing is if another is in its place. */
Result<UniqueFd> open_place(const KeepPlace& place) {
  UniqueFd found(::open(place.folder.c_str(), kHoldFolder));
  if (!found) return not_opened("open", place.folder);
  struct stat now{};
  if (::fstat(found.get(), &now) != 0) return last_error(kStep, "fstat", place.folder);
  // defence: nothing-kept-another-folder
  if (now.st_ino != place.ino || static_cast<std::uint64_t>(now.st_dev) != place.dev)
    return refused(ESTALE, place.folder, "the folder is another one than when the plan was made");
  if (place.missing.empty()) return found;
  const std::string path = below(place.folder, place.missing);
  constexpr mode_t kMode = S_IRWXU | S_IRWXG | S_IRWXO;
  if (::mkdirat(found.get(), place.missing.c_str(), kMode) != 0 && errno != EEXIST)
    return last_error(kStep, "mkdirat", path);
  // defence: nothing-kept-through-link
  UniqueFd made(::openat(found.get(), place.missing.c_str(), kHoldFolder));
  if (!made) return not_opened("openat", path);
  return made;
}

/** The folder of one session's copy. */
class Copy {
 public:
  static Result<Copy> begin(const KeepPlace& place) {
    const auto folder = open_place(place);
    if (!folder) return folder.error();
    const std::string around = place.missing.empty() ? place.folder : below(place.folder, place.missing);
    Copy copy(below(around, place.id));
    if (::fstat(folder->get(), &copy.around_) != 0) return last_error(kStep, "fstat", around);
    // Nobody else is let in before all of it has its owner.
    if (::mkdirat(folder->get(), place.id.c_str(), S_IRWXU) != 0) return last_error(kStep, "mkdirat", copy.path_);
    copy.top_ = UniqueFd(::openat(folder->get(), place.id.c_str(), kDirectory));
    if (!copy.top_) return not_opened("openat", copy.path_);
    if (auto status = copy.check(); !status) return std::move(status.error());
    return copy;
  }

  Status add(int root, const std::string& target, std::vector<std::string>& left) {
    const UniqueFd from = folder_below(root, target);
    if (!from || !is_open_to_us(from.get())) return left_out("openat", target, left);
    int at = top_.get();
    for (std::string_view way = target; !way.empty();) {
      const std::string name(cut(way, '/'));
      if (name.empty()) continue;
      // It is there where another target lies in it, or around this one: then it is a copy of what the build has made.
      if (::mkdirat(at, name.c_str(), S_IRWXU) != 0 && errno != EEXIST) return left_out("mkdirat", target, left);
      UniqueFd next(::openat(at, name.c_str(), kDirectory));
      if (!next) return left_out("openat", target, left);
      made_.push_back(std::move(next));
      at = made_.back().get();
    }
    const std::size_t outer = path_.size() + target.size() + 1;
    const KeptIn kept{.folder = at,
                      .uid = around_.st_uid,
                      .gid = around_.st_gid,
                      .longest_path = outer < PATH_MAX ? PATH_MAX - 1 - outer : 0};
    std::vector<std::string> left_in_it;
    auto status = keep_tree(from.get(), target, kept, left_in_it);
    for (const std::string& one : left_in_it) left.push_back(target.substr(1) + "/" + one);
    return status;
  }

  /** Last, and from the inside out: from here on its owner is let in. */
  Status give_away() {
    Status status;
    made_.insert(made_.begin(), std::move(top_));
    for (const UniqueFd& folder : std::views::reverse(made_)) {
      const bool is_given = ::fchown(folder.get(), around_.st_uid, around_.st_gid) == 0;
      if (status && !is_given) status = last_error(kStep, "fchown", path_);
    }
    return status;
  }

 private:
  explicit Copy(std::string path) : path_(std::move(path)) {}

  /**
   * Whether it is the one that was made. Who may write to the folder around it can have put another there: one that
   * they are in, to put a link where something is going to be written, or that of another session, which is theirs
   * soon.
   */
  [[nodiscard]] Status check() const {
    // Before its owner is looked at. Not every file system locks a folder (NFS).
    if (::flock(top_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return last_error(kStep, "flock", path_);
    struct stat own{};
    if (::fstat(top_.get(), &own) != 0) return last_error(kStep, "fstat", path_);
    if (own.st_uid == ::geteuid() && (own.st_mode & (S_IRWXG | S_IRWXO)) == 0) return {};
    return refused(EPERM, path_, "it is open to others");
  }

  /** Of a call that failed. A build can have moved a folder that the target is in, or have shut it: the others are
   * kept. */
  static Status left_out(const char* call, const std::string& target, std::vector<std::string>& left) {
    if (!is_out_of_reach(errno)) return last_error(kStep, call, target);
    left.push_back(target.substr(1));
    return {};
  }

  std::string path_;
  struct stat around_{};
  UniqueFd top_;
  std::vector<UniqueFd> made_;
};

}  // namespace

KeepReport keep(int root, const std::vector<std::string>& targets, const KeepPlace& place) {
  KeepReport report;
  auto copy = Copy::begin(place);
  if (!copy) return {.failure = std::move(copy.error())};
  for (const std::string& target : targets) {
    auto status = copy->add(root, target, report.left);
    // defence: copy-kept-given-away
    if (status) continue;
    report.failure = std::move(status.error());
    break;
  }
  // Once, after the last: whose it is then could put links into it. After a failure as well.
  auto given = copy->give_away();
  if (!given && !report.failure) report.failure = std::move(given.error());
  return report;
}

}  // namespace buildjail
