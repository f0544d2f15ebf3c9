#include "envelope/mount_points.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/text.h"
#include "base/tolerated.h"
#include "envelope/part_list.h"
#include "plan/plan.h"
#include "state/file_state.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "mount-point";
constexpr const char* kAt = "at";
constexpr const char* kMade = "made";
constexpr mode_t kFolderMode = 0755;
constexpr mode_t kFileMode = 0444;

std::string_view name_in(std::string_view path) { return path.substr(path.rfind('/') + 1); }
std::string_view folder_in(std::string_view path) {
  const std::size_t end = path.rfind('/');
  return end == std::string_view::npos ? std::string_view() : path.substr(0, end);
}

UniqueFd open_folder_of(int top, std::string_view point) { return folder_below(top, folder_in(point)); }

PointedFolder folder_of(const OutputLease& lease) {
  const LentOutput& before = *lease.before();
  return {.path = before.path, .dev = before.dev, .ino = before.ino};
}

bool is_kind(const struct stat& found, bool is_file) {
  return is_file ? S_ISREG(found.st_mode) : S_ISDIR(found.st_mode);
}

/** The file at the place of a point. Empty with errno set, which is ENOENT if there is none. */
std::optional<struct stat> look_at(int folder, const std::string& name) {
  struct stat found{};
  if (::fstatat(folder, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return found;
}

Status remove_as_it_is(int folder, const MountPoint& point) {
  const std::string name(name_in(point.path));
  const auto found = look_at(folder, name);
  if (!found) return errno == ENOENT ? Status() : last_error(kStep, "fstatat", point.path);
  const bool is_known = point.ino != 0;
  const bool is_ours = static_cast<std::uint64_t>(found->st_dev) == point.dev && found->st_ino == point.ino;
  // defence: place-mount-point-stays
  if (is_known && !is_ours) return {};
  if (!is_kind(*found, point.is_file) || (point.is_file && found->st_size != 0)) return {};
  if (::unlinkat(folder, name.c_str(), point.is_file ? 0 : AT_REMOVEDIR) == 0) return {};
  // The build put something in it.
  if (errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST) return {};
  return last_error(kStep, "unlinkat", point.path);
}

/** Opens a folder or file to us until `shut` is called. An ordinary user opens only their own. */
class OpenedUp {
 public:
  explicit OpenedUp(int fd) : fd_(fd), before_(state_of(fd)) { is_open_ = before_ && open_up(fd, *before_); }
  [[nodiscard]] bool is_open() const noexcept { return is_open_; }
  /** False with errno set. */
  bool shut() { return !is_open_ || shut_again(fd_, *before_); }

 private:
  int fd_;
  std::optional<FileState> before_;
  bool is_open_ = false;
};

UniqueFd held_in(int folder, const std::string& name, int kind = 0) {
  return UniqueFd(::openat(folder, name.c_str(), kHold | kind));
}

bool is_refusal(const SysError& error) { return error.err == EPERM || error.err == EACCES; }

// A build that owns the folder around it may have shut that folder, or put flags on it or on the point. Everything that
// stays gets the mode and flags again that the build left.
Status remove(int folder, const MountPoint& point) {
  auto status = remove_as_it_is(folder, point);
  if (status || !is_refusal(status.error())) return status;
  OpenedUp around(folder);
  // defence: mount-points-go-though
  if (!around.is_open()) return status;
  const UniqueFd held = held_in(folder, std::string(name_in(point.path)));
  const auto found = held ? state_of(held.get()) : std::nullopt;
  const bool is_ours = found && found->dev == point.dev && found->ino == point.ino;
  std::optional<OpenedUp> itself;
  if (is_ours) itself.emplace(held.get());
  status = remove_as_it_is(folder, point);
  // Ignored, because the point may be gone.
  if (itself) static_cast<void>(itself->shut());
  if (!around.shut() && status) status = last_error(kStep, kModeCall, point.path);
  return status;
}

/** Like `folder_below`, but also opens folders that a build has shut, and adds them to `opened`. */
Status find_folder(int top, std::string_view path, std::vector<UniqueFd>& way, std::vector<OpenedUp>& opened) {
  int at = top;
  while (!path.empty()) {
    const std::string name(cut(path, '/'));
    UniqueFd below = held_in(at, name, O_DIRECTORY);
    if (!below && errno == EACCES) {
      opened.emplace_back(at);
      below = held_in(at, name, O_DIRECTORY);
    }
    if (!below) return last_error(kStep, "openat");
    at = below.get();
    way.push_back(std::move(below));
  }
  return {};
}

/** Removes a point that was made and could not be looked at or given its owner, and returns that error. */
SysError not_kept(int folder, const MountPoint& point, const char* call) {
  auto error = last_error(kStep, call, point.path);
  static_cast<void>(remove(folder, point));
  return error;
}

/** What is missing below an open folder on the way to a point, the outer folder first. */
std::vector<MountPoint> missing_points(int folder, const MountPoint& wanted) {
  const Tolerated tolerated("a mount point that cannot be looked at is made, or found to be there then");
  std::vector<MountPoint> missing;
  for (std::size_t end = wanted.path.find('/');; end = wanted.path.find('/', end + 1)) {
    const std::string_view part = std::string_view(wanted.path).substr(0, end);
    const bool is_last = end == std::string_view::npos;
    const UniqueFd above = missing.empty() ? open_folder_of(folder, part) : UniqueFd();
    if (!above || !look_at(above.get(), std::string(name_in(part))))
      missing.push_back({.path = std::string(part), .is_file = is_last && wanted.is_file});
    if (is_last) return missing;
  }
}

/**
 * Removes a point of a dead session. One that is not known to have been made is removed if it is empty: only a session
 * that died before its build began can have put it there.
 */
Status remove_left(int folder, const MountPoint& point) {
  std::vector<UniqueFd> way;
  std::vector<OpenedUp> opened;
  auto status = find_folder(folder, folder_in(point.path), way, opened);
  if (status) {
    // defence: mount-points-killed-session
    status = remove(way.empty() ? folder : way.back().get(), point);
  } else {
    // The build moved it away, or put something else in its place.
    status.error().path = point.path;
    if (is_no_such_file(status.error().err)) status = {};
  }
  for (; !opened.empty(); opened.pop_back()) {
    if (!opened.back().shut() && status) status = last_error(kStep, kModeCall, point.path);
  }
  return status;
}

}  // namespace

Fact point_fact(const PointedFolder& folder, const MountPoint& point) {
  const std::string numbers =
      numbers_text({folder.dev, folder.ino, point.dev, point.ino, point.is_file ? 1U : 0U, folder.path.size()});
  return {kMountPoint, kAt, numbers + folder.path + "/" + point.path};
}

Fact points_made_fact(const PointedFolder& folder) {
  return {kMountPoint, kMade, numbers_text({folder.dev, folder.ino}) + folder.path};
}

std::optional<NotedPoint> noted_point(const Fact& fact) {
  std::string_view rest = fact.value;
  NotedPoint noted{};
  if (fact.part != kMountPoint || !read_numbers(rest, noted.folder.dev, noted.folder.ino)) return std::nullopt;
  if (fact.key == kMade) {
    noted.folder.path = rest;
    return rest.starts_with('/') ? std::optional(std::move(noted)) : std::nullopt;
  }
  MountPoint point;
  unsigned kind = 0;
  std::size_t size = 0;
  const bool is_point = fact.key == kAt && read_numbers(rest, point.dev, point.ino, kind, size) && kind <= 1 &&
                        rest.starts_with('/') && size + 1 < rest.size() && rest[size] == '/';
  if (!is_point) return std::nullopt;
  noted.folder.path = rest.substr(0, size);
  point.path = rest.substr(size + 1);
  point.is_file = kind == 1;
  // So that the path leads nowhere outside of the folder.
  if (!is_of_names(point.path)) return std::nullopt;
  noted.point = std::move(point);
  return noted;
}

void MountPoints::add_planned(const Opening& opening, Parts& parts) {
  for (OutputLease* const lease : opening.leases) {
    std::vector<MountPoint> wanted;
    for (const auto& [inner, outer] : opening.nesting) {
      if (outer != lease->bind()) continue;
      wanted.push_back({.path = std::string(mount_point_in(*outer, *inner)), .is_file = inner->is_file});
    }
    if (wanted.empty()) continue;
    // The outer ones first, in whichever order the map is.
    std::ranges::sort(wanted, {}, &MountPoint::path);
    parts.push_back(std::make_unique<MountPoints>(*lease, std::move(wanted)));
  }
}

Status MountPoints::add_left(const DeadSession& dead, Parts& parts) {
  std::vector<NotedPoint> points;
  std::vector<PointedFolder> made;
  for (const Fact& fact : dead.entry.facts) {
    if (fact.part != kFacts) continue;
    // Its form was checked by OutputLease.
    auto noted = noted_point(fact);
    if (noted->point)
      points.push_back(std::move(*noted));
    else
      made.push_back(std::move(noted->folder));
  }
  std::vector<MountPoints*> added;
  for (auto& [folder, point] : points) {
    const auto is_here = [&folder](const PointedFolder& one) { return one.dev == folder.dev && one.ino == folder.ino; };
    // Once all points of the folder are made, a point that is not noted as made was there before.
    if (point->ino == 0 && std::ranges::any_of(made, is_here)) continue;
    const auto known = std::ranges::find(added, folder, &MountPoints::folder_);
    if (known == added.end()) {
      OutputLease& lease = *dead.leases.at({folder.dev, folder.ino});
      auto part = std::make_unique<MountPoints>(std::move(folder), lease);
      part->left_.push_back(std::move(*point));
      added.push_back(part.get());
      parts.push_back(std::move(part));
    } else {
      (*known)->left_.push_back(std::move(*point));
    }
  }
  return {};
}

std::vector<MountPoint> MountPoints::missing() const {
  std::vector<MountPoint> missing;
  for (const MountPoint& wanted : wanted_) {
    for (auto& point : missing_points(lease_->directory(), wanted)) {
      const auto is_same = [&point](const MountPoint& other) { return other.path == point.path; };
      if (std::ranges::none_of(missing, is_same)) missing.push_back(std::move(point));
    }
  }
  return missing;
}

std::vector<Fact> MountPoints::facts() const {
  std::vector<Fact> facts;
  if (!lease_->before() || is_made_) return facts;
  for (const MountPoint& point : missing()) facts.push_back(point_fact(folder_of(*lease_), point));
  return facts;
}

// By descriptor, following no link. Empty if there is a point already, which is not ours.
Result<std::optional<MountPoints::Made>> MountPoints::make_one(int folder, const MountPoint& point,
                                                               const OutputLease& lease) {
  UniqueFd above = open_folder_of(folder, point.path);
  if (!above) return last_error(kStep, "openat", point.path);
  const std::string name(name_in(point.path));
  UniqueFd made;
  if (point.is_file) {
    made =
        UniqueFd(::openat(above.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
    if (!made && errno != EEXIST) return last_error(kStep, "openat", point.path);
  } else {
    const bool is_new = ::mkdirat(above.get(), name.c_str(), kFolderMode) == 0;
    if (!is_new && errno != EEXIST) return last_error(kStep, "mkdirat", point.path);
    if (is_new) {
      made = UniqueFd(::openat(above.get(), name.c_str(), kReadFolder));
      if (!made) return not_kept(above.get(), point, "openat");
    }
  }
  if (!made) {
    const auto found = look_at(above.get(), name);
    if (!found) return last_error(kStep, "fstatat", point.path);
    if (is_kind(*found, point.is_file)) return std::optional<Made>();
    return SysError{.step = kStep,
                    .syscall = "fstatat",
                    .err = point.is_file ? EEXIST : ENOTDIR,
                    .path = point.path,
                    .detail = std::string("its place is taken by something that is no ") +
                              (point.is_file ? "file" : "folder") + ", or by a link"};
  }
  struct stat found{};
  if (::fstat(made.get(), &found) != 0) return not_kept(above.get(), point, "fstat");
  Made result{.point = point, .folder = std::move(above)};
  result.point.dev = static_cast<std::uint64_t>(found.st_dev);
  result.point.ino = found.st_ino;
  // The umask is the host program's, and not ours to change.
  const bool is_set = ::fchmod(made.get(), point.is_file ? kFileMode : kFolderMode) == 0;
  // In a store a point stays ours, so that no build removes it. In an output its owner is that of the folder, and it
  // goes to the build and comes back with the folder's content.
  const LentOutput& before = *lease.before();
  const bool is_given = !lease.bind()->is_store && ::geteuid() == 0;
  if (!is_set || (is_given && ::fchown(made.get(), before.uid, before.gid) != 0))
    return not_kept(result.folder.get(), result.point, is_set ? "fchown" : "fchmod");
  return std::optional(std::move(result));
}

Status MountPoints::make(Trace&) {
  folder_ = folder_of(*lease_);
  for (const MountPoint& point : missing()) {
    auto made = make_one(lease_->directory(), point, *lease_);
    if (!made) {
      made.error().path = folder_.path + "/" + made.error().path;
      return std::move(made.error());
    }
    if (*made) made_.push_back(std::move(**made));
  }
  is_made_ = true;
  return {};
}

std::vector<Fact> MountPoints::made_facts() const {
  std::vector<Fact> facts;
  facts.reserve(made_.size() + 1);
  for (const Made& made : made_) facts.push_back(point_fact(folder_, made.point));
  facts.push_back(points_made_fact(folder_));
  return facts;
}

Status MountPoints::take_away(TakingAway& taking) {
  if (!left_.empty()) return take_away_left();
  if (made_.empty()) return {};
  while (!made_.empty()) {
    const auto& [point, folder] = made_.back();
    if (auto status = remove(folder.get(), point); !status) {
      status.error().path = folder_.path + "/" + status.error().path;
      return status;
    }
    made_.pop_back();
  }
  taking.trace.mark("mount-point", folder_.path);
  return {};
}

// Of a dead session the folder is found by its path, and only if that is still the folder that was lent.
Status MountPoints::take_away_left() {
  // A session without a lease had taken the points away before it died.
  const auto is_its = lease_->take_over();
  if (!is_its) return is_its.error();
  if (!*is_its) return {};
  const UniqueFd top(::open(folder_.path.c_str(), kHoldFolder));
  struct stat found{};
  if (!top || ::fstat(top.get(), &found) != 0) {
    // LentDirectory reports that the folder is gone.
    return is_no_such_file(errno) ? Status() : last_error(kStep, "open", folder_.path);
  }
  if (found.st_ino != folder_.ino || static_cast<std::uint64_t>(found.st_dev) != folder_.dev) return {};
  for (; !left_.empty(); left_.pop_back()) {
    if (auto status = remove_left(top.get(), left_.back()); !status) {
      status.error().path = folder_.path + "/" + status.error().path;
      return status;
    }
  }
  return {};
}

}  // namespace buildjail
