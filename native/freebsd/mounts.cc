#include "freebsd/mounts.h"

#include <array>
#include <cerrno>

#include "freebsd/mounted_list.h"

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
  MountEntry entry{.type = mounted.f_fstypename,
                   .from = mounted.f_mntfromname,
                   .on = mounted.f_mntonname,
                   .fsid = fsid_text(mounted.f_fsid),
                   .flags = {}};
  for (const auto& [flag, name] : kFlagNames) {
    if ((mounted.f_flags & flag) != 0) entry.flags.emplace_back(name);
  }
  return entry;
}

}  // namespace

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

Status nmount_options(IovecList& options, int flags, const std::string& step, const std::string& path) {
  if (::nmount(options.data(), options.size(), flags) == 0) return {};
  auto error = last_error(step, "nmount", path);
  error.detail = options.errmsg();
  return error;
}

Result<std::string> fsid_at(const std::string& path) {
  struct statfs mounted{};
  if (::statfs(path.c_str(), &mounted) != 0) return last_error("mount", "statfs", path);
  return fsid_text(mounted.f_fsid);
}

Result<std::string> NullfsIds::at(const std::string& path, std::uint64_t device) {
  const auto first_half = static_cast<std::int32_t>(device);
  if (second_half_) return fsid_text({{first_half, *second_half_}});
  struct statfs mounted{};
  if (::statfs(path.c_str(), &mounted) != 0) return last_error("mount", "statfs", path);
  if (mounted.f_fsid.val[0] == first_half) second_half_ = mounted.f_fsid.val[1];
  return fsid_text(mounted.f_fsid);
}

Status unmount_target(const std::string& target, int flags) {
  const int by_fsid = target.starts_with("FSID:") ? MNT_BYFSID : 0;
  if (::unmount(target.c_str(), flags | by_fsid) == 0) return {};
  return last_error("unmount", "unmount", target);
}

Result<std::vector<MountEntry>> mount_table() {
  const auto mounted = MountedList::read();
  if (!mounted) return mounted.error();
  std::vector<MountEntry> table;
  table.reserve(mounted->size());
  for (const auto& one : *mounted) table.push_back(entry_of(one));
  return table;
}

}  // namespace buildjail
