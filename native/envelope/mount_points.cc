#include "envelope/mount_points.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"
#include "state/file_state.h"
#include "state/folder.h"
#include "state/lease.h"

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

UniqueFd folder_of(int top, std::string_view point) { return folder_below(top, folder_in(point)); }

bool is_kind(const struct stat& found, bool is_file) {
  return is_file ? S_ISREG(found.st_mode) : S_ISDIR(found.st_mode);
}

SysError unfit(const MountPoint& point) {
  return {.step = kStep,
          .syscall = "fstatat",
          .err = point.is_file ? EEXIST : ENOTDIR,
          .path = point.path,
          .dest = {},
          .detail = std::string("what is there is no ") + (point.is_file ? "file" : "folder") + ", or a link to one"};
}

/** The point itself, or what is in its place. Nothing where there is nothing; errno then is ENOENT, or why not. */
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

/** Open to us until `shut` is called; for who is not root nothing is opened that is somebody else's. */
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

// A build that owns the folder around it may have shut that, or put flags on it or on the point. What stays is as it
// left that.
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
  // It may be gone, or have something of the build in it.
  if (itself) static_cast<void>(itself->shut());
  if (!around.shut() && status) status = last_error(kStep, kModeCall, point.path);
  return status;
}

/** As `folder_below`, and also through folders that a build shut: those are in `opened` then. */
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

/** The error of a point that was made, and could not be looked at: it is gone again. */
SysError not_kept(int folder, const MountPoint& point, const char* call) {
  auto error = last_error(kStep, call, point.path);
  static_cast<void>(remove(folder, point));
  return error;
}

}  // namespace

Fact point_fact(const PointedFolder& folder, const MountPoint& point) {
  std::string value = std::to_string(folder.dev);
  for (const std::uint64_t number : {folder.ino, point.dev, point.ino, std::uint64_t{point.is_file ? 1U : 0U},
                                     static_cast<std::uint64_t>(folder.path.size())})
    value += " " + std::to_string(number);
  return {kMountPoint, kAt, value + " " + folder.path + "/" + point.path};
}

Fact points_made_fact(const PointedFolder& folder) {
  return {kMountPoint, kMade, std::to_string(folder.dev) + " " + std::to_string(folder.ino) + " " + folder.path};
}

std::optional<NotedPoint> noted_point(const Fact& fact) {
  std::string_view rest = fact.value;
  NotedPoint noted{};
  const bool is_read = fact.part == kMountPoint && read_number(cut(rest, ' '), noted.folder.dev) &&
                       read_number(cut(rest, ' '), noted.folder.ino);
  if (!is_read) return std::nullopt;
  if (fact.key == kMade) {
    noted.folder.path = rest;
    return rest.starts_with('/') ? std::optional(std::move(noted)) : std::nullopt;
  }
  MountPoint point;
  unsigned kind = 0;
  std::size_t size = 0;
  const bool is_point = fact.key == kAt && read_number(cut(rest, ' '), point.dev) &&
                        read_number(cut(rest, ' '), point.ino) && read_number(cut(rest, ' '), kind) && kind <= 1 &&
                        read_number(cut(rest, ' '), size) && rest.starts_with('/') && size + 1 < rest.size() &&
                        rest[size] == '/';
  if (!is_point) return std::nullopt;
  noted.folder.path = rest.substr(0, size);
  point.path = rest.substr(size + 1);
  point.is_file = kind == 1;
  // Nothing outside of the folder is reached by it.
  for (std::string_view way = point.path; !way.empty();) {
    const std::string_view name = cut(way, '/');
    if (name.empty() || name == "." || name == "..") return std::nullopt;
  }
  noted.point = std::move(point);
  return noted;
}

std::vector<MountPoint> missing_points(int folder, std::string_view path, bool is_file) {
  std::vector<MountPoint> missing;
  for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
    const std::string_view part = path.substr(0, end);
    const bool is_last = end == std::string_view::npos;
    const UniqueFd above = missing.empty() ? folder_of(folder, part) : UniqueFd();
    if (!above || !look_at(above.get(), std::string(name_in(part))))
      missing.push_back({.path = std::string(part), .is_file = is_last && is_file});
    if (is_last) return missing;
  }
}

Result<std::optional<MadePoint>> make_point(int folder, const MountPoint& point,
                                            const std::optional<PointOwner>& owner) {
  UniqueFd above = folder_of(folder, point.path);
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
      made = UniqueFd(::openat(above.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!made) return not_kept(above.get(), point, "openat");
    }
  }
  if (!made) {
    const auto found = look_at(above.get(), name);
    if (!found) return last_error(kStep, "fstatat", point.path);
    if (!is_kind(*found, point.is_file)) return unfit(point);
    return std::optional<MadePoint>();
  }
  struct stat found{};
  if (::fstat(made.get(), &found) != 0) return not_kept(above.get(), point, "fstat");
  MadePoint result{.point = point, .folder = std::move(above)};
  result.point.dev = static_cast<std::uint64_t>(found.st_dev);
  result.point.ino = found.st_ino;
  // The umask is the host program's, and not ours to change. A step that fails here leaves what the journal tells of.
  const bool is_set = ::fchmod(made.get(), point.is_file ? kFileMode : kFolderMode) == 0;
  if (!is_set || (owner && ::fchown(made.get(), owner->uid, owner->gid) != 0)) {
    auto error = last_error(kStep, is_set ? "fchown" : "fchmod", point.path);
    static_cast<void>(remove_point(result));
    return error;
  }
  return std::optional(std::move(result));
}

Status remove_point(const MadePoint& made) { return remove(made.folder.get(), made.point); }

Status remove_point_left(int folder, const MountPoint& point) {
  std::vector<UniqueFd> way;
  std::vector<OpenedUp> opened;
  auto status = find_folder(folder, folder_in(point.path), way, opened);
  if (status) {
    // defence: mount-points-killed-session
    status = remove(way.empty() ? folder : way.back().get(), point);
  } else {
    // The build moved it away, or put something else in its place.
    const int err = status.error().err;
    const bool is_gone = err == ENOENT || err == ENOTDIR || err == ELOOP || err == EMLINK;
    status.error().path = point.path;
    if (is_gone) status = {};
  }
  for (; !opened.empty(); opened.pop_back()) {
    if (!opened.back().shut() && status) status = last_error(kStep, kModeCall, point.path);
  }
  return status;
}

PointedFolder MountPoints::folder() const {
  const LentOutput& before = *lease_.before();
  return {.path = before.path, .dev = before.dev, .ino = before.ino};
}

std::vector<MountPoint> MountPoints::missing() const {
  std::vector<MountPoint> missing;
  for (const auto& [path, is_file] : wanted_) {
    for (auto& point : missing_points(lease_.directory(), path, is_file)) {
      const auto is_same = [&point](const MountPoint& other) { return other.path == point.path; };
      if (std::ranges::none_of(missing, is_same)) missing.push_back(std::move(point));
    }
  }
  return missing;
}

std::vector<Fact> MountPoints::facts() const {
  std::vector<Fact> facts;
  if (!lease_.before() || is_made_) return facts;
  for (const MountPoint& point : missing()) facts.push_back(point_fact(folder(), point));
  return facts;
}

std::vector<Fact> MountPoints::made_facts() const {
  std::vector<Fact> facts;
  if (!is_made_) return facts;
  for (const MadePoint& made : made_) facts.push_back(point_fact(folder(), made.point));
  facts.push_back(points_made_fact(folder()));
  return facts;
}

Status MountPoints::make(Trace&) {
  const LentOutput& before = *lease_.before();
  // In a store they stay ours, so that no build removes them. In an output they are whose the folder is, and go with
  // what is in it: to the build where it is handed over, and to nobody with ownership `build` or `unchanged`.
  std::optional<PointOwner> owner;
  const bool is_given = !lease_.bind().is_store && ::geteuid() == 0;
  if (is_given) owner = PointOwner{.uid = before.uid, .gid = before.gid};
  for (const MountPoint& point : missing()) {
    auto made = make_point(lease_.directory(), point, owner);
    if (!made) {
      made.error().path = before.path + "/" + made.error().path;
      return std::move(made.error());
    }
    if (*made) made_.push_back(std::move(**made));
  }
  is_made_ = true;
  return {};
}

Status MountPoints::take_away(TakingAway& taking) {
  if (made_.empty()) return {};
  while (!made_.empty()) {
    if (auto status = remove_point(made_.back()); !status) {
      status.error().path = lease_.before()->path + "/" + status.error().path;
      return status;
    }
    made_.pop_back();
  }
  taking.trace.mark("mount-point", lease_.before()->path);
  return {};
}

void add_mount_points(const Nesting& nesting, const std::vector<const OutputLease*>& leases, Parts& parts) {
  for (const OutputLease* const lease : leases) {
    std::vector<MountPoints::Wanted> wanted;
    for (const auto& [inner, outer] : nesting) {
      if (outer != &lease->bind()) continue;
      wanted.push_back({.path = std::string(mount_point_in(*outer, *inner)), .is_file = inner->is_file});
    }
    if (wanted.empty()) continue;
    // Outer ones first, whichever way the map is ordered.
    std::ranges::sort(wanted, {}, &MountPoints::Wanted::path);
    auto points = std::make_unique<MountPoints>(*lease, std::move(wanted));
    auto noted = std::make_unique<MountPointsNoted>(*points);
    parts.push_back(std::move(points));
    parts.push_back(std::move(noted));
  }
}

MountPointLeft::MountPointLeft(NotedPoint noted, const std::string& host_directory, Holding dead)
    : noted_(std::move(noted)),
      lease_(lease_of(host_directory, noted_.folder.dev, noted_.folder.ino)),
      dead_(std::move(dead)) {}

Status MountPointLeft::take_away(TakingAway&) {
  // Without the lease, the session had taken them away before it died.
  const auto holder = holding_of("mount-point", lease_);
  if (!holder) return holder.error().err == ENOENT ? Status() : holder.error();
  if (!*holder || **holder != dead_) return {};
  const auto& [folder, point] = noted_;
  const UniqueFd top(::open(folder.path.c_str(), kHoldFolder));
  struct stat found{};
  if (!top || ::fstat(top.get(), &found) != 0) {
    // That the folder is not there any more is told by who hands it back.
    const bool is_gone = errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EMLINK;
    return is_gone ? Status() : last_error("mount-point", "open", folder.path);
  }
  if (found.st_ino != folder.ino || static_cast<std::uint64_t>(found.st_dev) != folder.dev) return {};
  return remove_point_left(top.get(), *point);
}

}  // namespace buildjail
