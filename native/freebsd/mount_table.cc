#include "freebsd/mount_table.h"

#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "freebsd/mounted_list.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "nested-sources";
/** Each is mounted from one below it, so that there is an end; a renamed folder may hide it. */
constexpr int kMostBelow = 32;

bool is_within(std::string_view inner, std::string_view outer) {
  if (outer == "/") return true;
  return inner.starts_with(outer) && (inner.size() == outer.size() || inner[outer.size()] == '/');
}

/** The mount that a path leads into: what was mounted later covers what was mounted earlier. */
const struct statfs* mount_of(const MountedList& mounted, std::string_view path) {
  const struct statfs* found = nullptr;
  for (const struct statfs& one : mounted) {
    if (is_within(path, one.f_mntonname)) found = &one;
  }
  return found;
}

/** The kernel keeps the name that a folder had when it was mounted. A nullfs shows the file numbers of the folder. */
Status confirm(const std::string& path, const std::string& origin) {
  struct stat shown{};
  struct stat found{};
  if (::lstat(path.c_str(), &shown) != 0) return last_error(kStep, "lstat", path);
  if (::lstat(origin.c_str(), &found) != 0) return last_error(kStep, "lstat", origin);
  if (shown.st_ino == found.st_ino && shown.st_gen == found.st_gen) return {};
  return SysError{.step = kStep,
                  .syscall = "getfsstat",
                  .err = ESTALE,
                  .path = path,
                  .dest = origin,
                  .detail =
                      "what is mounted there is not what its name says, so that nobody can tell what lies around "
                      "it; unmount it and mount it again"};
}

Status find_origin(const MountedList& mounted, ShownSource& source) {
  for (int below = 0; below < kMostBelow; ++below) {
    const struct statfs* const mount = mount_of(mounted, source.origin);
    // defence: folder-mounted-second-place-2
    if (mount == nullptr || std::string_view(mount->f_fstypename) != "nullfs") return {};
    const std::string_view on = mount->f_mntonname;
    const std::string_view from = mount->f_mntfromname;
    std::string origin(from == "/" ? "" : from);
    origin += source.origin.substr(on == "/" ? 0 : on.size());
    if (origin.empty()) origin = "/";
    if (auto status = confirm(source.origin, origin); !status) return status;
    source.origin = std::move(origin);
  }
  return {};
}

std::string mounted_below(const MountedList& mounted, std::string_view folder) {
  for (const struct statfs& one : mounted) {
    const std::string_view on = one.f_mntonname;
    if (on != folder && is_within(on, folder)) return std::string(on);
  }
  return {};
}

/** Also where a nullfs(5) mount shows the folder, or one around it or in it, at another place. */
std::string mounted_in(const MountedList& mounted, std::string_view folder) {
  std::string found = mounted_below(mounted, folder);
  for (const struct statfs& one : mounted) {
    if (!found.empty()) break;
    if (std::string_view(one.f_fstypename) != "nullfs") continue;
    const std::string_view from = one.f_mntfromname;
    const bool is_around = is_within(folder, from);
    if (!is_around && !is_within(from, folder)) continue;
    std::string shown(one.f_mntonname);
    if (is_around) shown += folder.substr(from == "/" ? 0 : from.size());
    found = mounted_below(mounted, shown);
  }
  return found;
}

std::string mounted_in(const MountedList& mounted, const ShownSource& output) {
  std::string found = mounted_in(mounted, output.path);
  return found.empty() && output.origin != output.path ? mounted_in(mounted, output.origin) : found;
}

}  // namespace

Status look_at_mounts(std::vector<ShownSource>& sources, SpareList& memory) {
  if (sources.empty()) return {};
  auto mounted = MountedList::read(memory.take());
  if (!mounted) return std::move(mounted.error());
  Status status;
  for (ShownSource& source : sources) {
    if (status = find_origin(*mounted, source); !status) break;
    if (source.kind == ShownSource::Kind::kOutput) source.mounted = mounted_in(*mounted, source);
  }
  memory.give_back(std::move(*mounted));
  return status;
}

}  // namespace buildjail
