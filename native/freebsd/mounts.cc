#include "freebsd/mounts.h"

#include <sys/stat.h>

#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/tolerated.h"

namespace buildjail {

namespace {

struct FlagName {
  std::uint64_t flag;
  const char* name;
};

// The words of mount(8).
constexpr auto kFlagNames = std::to_array<FlagName>({
    {MNT_RDONLY, "ro"},
    {MNT_NOSUID, "nosuid"},
    {MNT_NOEXEC, "noexec"},
    {MNT_NOATIME, "noatime"},
    {MNT_NOSYMFOLLOW, "nosymfollow"},
    {MNT_LOCAL, "local"},
    {MNT_SYNCHRONOUS, "sync"},
    {MNT_ASYNC, "async"},
    {MNT_SOFTDEP, "soft-updates"},
    {MNT_UNION, "union"},
    {MNT_NFS4ACLS, "nfsv4acls"},
    {MNT_ACLS, "acls"},
    {MNT_MULTILABEL, "multilabel"},
    {MNT_IGNORE, "ignore"},
    {MNT_AUTOMOUNTED, "automounted"},
});

MountEntry entry_of(const struct statfs& mounted) {
  return {.type = mounted.f_fstypename,
          .from = mounted.f_mntfromname,
          .on = mounted.f_mntonname,
          .fsid = fsid_text(mounted.f_fsid),
          .flags = flag_words(mounted.f_flags)};
}

}  // namespace

std::vector<std::string> flag_words(std::uint64_t flags) {
  std::vector<std::string> words;
  for (const auto& [flag, name] : kFlagNames) {
    if ((flags & flag) != 0) words.emplace_back(name);
  }
  return words;
}

std::string fsid_text(const fsid_t& fsid) {
  return "FSID:" + std::to_string(fsid.val[0]) + ":" + std::to_string(fsid.val[1]);
}

IovecList file_system(const char* type, const std::string& path, const std::string& from) {
  IovecList options;
  options.add_string("fstype", type);
  options.add_string("fspath", path);
  options.add_string("from", from.empty() ? type : from);
  return options;
}

IovecList empty_tmpfs(const std::string& path, std::uint64_t files) {
  constexpr int kKeepsAttributes = 1500000;
  auto options = file_system("tmpfs", path);
  options.add_string("inodes", std::to_string(files));
  const Tolerated tolerated("there is no kernel that does not tell its version (getosreldate(3))");
  // defence: tmpfs-holds-no-extended
  if (::getosreldate() >= kKeepsAttributes) options.add_string("easize", "1");
  return options;
}

Status nmount_options(IovecList& options, int flags, const std::string& step, const std::string& path) {
  if (options.call(::nmount, flags) == 0) return {};
  return options.error(step, "nmount", path);
}

namespace {

Result<fsid_t> raw_fsid_at(const std::string& path, int flags) {
  struct statfs mounted{};
  if (::statfs(path.c_str(), &mounted) != 0) return last_error("mount", "statfs", path);
  const std::uint64_t lacking = static_cast<std::uint64_t>(flags) & ~mounted.f_flags;
  if (lacking == 0) return mounted.f_fsid;
  return SysError{.step = "mount",
                  .syscall = "statfs",
                  .err = EOPNOTSUPP,
                  .path = path,
                  .detail = "the kernel mounted it without " + first_of(flag_words(lacking), kFlagNames.size())};
}

}  // namespace

Result<std::string> fsid_at(const std::string& path, int flags) {
  const auto fsid = raw_fsid_at(path, flags);
  if (!fsid) return fsid.error();
  return fsid_text(*fsid);
}

Result<std::string> NullfsIds::at(const std::string& path, dev_t device, int flags) {
  const auto first_half = static_cast<std::int32_t>(device);
  const std::int64_t known = second_half_;
  if (known != kUnknown) return fsid_text({{first_half, static_cast<std::int32_t>(known)}});
  const auto fsid = raw_fsid_at(path, flags);
  if (!fsid) return fsid.error();
  if (fsid->val[0] == first_half) second_half_ = static_cast<std::uint32_t>(fsid->val[1]);
  return fsid_text(*fsid);
}

Status unmount_target(const std::string& target, int flags) {
  const int by_fsid = target.starts_with("FSID:") ? MNT_BYFSID : 0;
  if (::unmount(target.c_str(), flags | by_fsid) == 0) return {};
  return last_error("unmount", "unmount", target);
}

Result<std::vector<MountEntry>> mount_table() {
  const auto mounted = mounted_list();
  if (!mounted) return mounted.error();
  std::vector<MountEntry> table;
  for (const auto& one : *mounted) table.push_back(entry_of(one));
  return table;
}

namespace {

/** For mounts that are made between counting and listing. */
constexpr std::size_t kSpare = 16;

}  // namespace

Result<MountedList> mounted_list(MountedList list) {
  for (;;) {
    list.resize(list.capacity());
    const auto bytes = static_cast<long>(list.size() * sizeof(struct statfs));
    const int found = ::getfsstat(list.data(), bytes, MNT_NOWAIT);
    if (found < 0) return last_error("mount-table", "getfsstat");
    const auto count = static_cast<std::size_t>(found);
    // If the list is full, some may be missing. Without memory the call counts only.
    const bool is_whole = count < list.size();
    list.resize(is_whole ? count : 0);
    if (is_whole) return list;
    // The caller must still unmount its own mount, so no exception may leave this function.
    try {
      list.reserve(count + list.capacity() + kSpare);
    } catch (const std::bad_alloc&) {
      return last_error("mount-table", "mmap");
    }
  }
}

namespace {

constexpr const char* kSourcesStep = "nested-sources";
/** Each nullfs shows a folder of an older mount, so there is an end, but a renamed folder may hide it. */
constexpr int kMostBelow = 32;

/** The mount that a path leads into: a later mount covers an earlier one. */
const struct statfs* mount_of(const MountedList& mounted, std::string_view path) {
  const struct statfs* found = nullptr;
  for (const struct statfs& one : mounted) {
    if (is_within(path, one.f_mntonname)) found = &one;
  }
  return found;
}

/** The kernel keeps the name that a folder had when it was mounted. A nullfs has the file numbers of that folder. */
Status confirm(const std::string& path, const std::string& origin) {
  struct stat shown{};
  struct stat found{};
  if (::lstat(path.c_str(), &shown) != 0) return last_error(kSourcesStep, "lstat", path);
  if (::lstat(origin.c_str(), &found) != 0) return last_error(kSourcesStep, "lstat", origin);
  if (shown.st_ino == found.st_ino && shown.st_gen == found.st_gen) return {};
  return SysError{.step = kSourcesStep,
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

/** Also looks where a nullfs(4) shows the folder, or one around it or in it, at another place. */
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

Status MountsOfSources::look(std::vector<ShownSource>& sources) {
  constexpr std::size_t kMostKept = std::size_t{512} * 1024;
  if (sources.empty()) return {};
  MountedList spare;
  {
    const std::lock_guard lock(mutex_);
    std::swap(spare, spare_);
  }
  auto mounted = mounted_list(std::move(spare));
  if (!mounted) return std::move(mounted.error());
  Status status;
  for (ShownSource& source : sources) {
    if (status = find_origin(*mounted, source); !status) break;
    if (source.kind == ShownSource::Kind::kOutput) source.mounted = mounted_in(*mounted, source);
  }
  const std::lock_guard lock(mutex_);
  if (mounted->capacity() * sizeof(struct statfs) <= kMostKept) spare_ = std::move(*mounted);
  return status;
}

}  // namespace buildjail
