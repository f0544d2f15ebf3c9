#include "freebsd/mounts.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

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

std::string comma_separated(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : ", ") + word;
  return line;
}

Result<struct statfs> mounted_at(const std::string& path, int flags) {
  struct statfs mounted{};
  if (::statfs(path.c_str(), &mounted) != 0) return last_error("mount", "statfs", path);
  const std::uint64_t lacking = static_cast<std::uint64_t>(flags) & ~mounted.f_flags;
  if (lacking == 0) return mounted;
  return SysError{.step = "mount",
                  .syscall = "statfs",
                  .err = EOPNOTSUPP,
                  .path = path,
                  .dest = {},
                  .detail = "the kernel mounted it without " + comma_separated(flag_words(lacking))};
}

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
  // defence: tmpfs-holds-no-extended
  if (::getosreldate() >= kKeepsAttributes) options.add_string("easize", "1");
  return options;
}

IovecList nullfs(const std::string& path, const std::string& source) {
  auto options = file_system("nullfs", path, source);
  // defence: sockets-host-not-reached
  options.add_flag("nounixbypass");
  return options;
}

Status nmount_options(IovecList& options, int flags, const std::string& step, const std::string& path) {
  if (::nmount(options.data(), options.size(), flags) == 0) return {};
  auto error = last_error(step, "nmount", path);
  error.detail = options.errmsg();
  return error;
}

Result<std::string> fsid_at(const std::string& path, int flags) {
  const auto mounted = mounted_at(path, flags);
  if (!mounted) return mounted.error();
  return fsid_text(mounted->f_fsid);
}

Result<std::string> MountIds::at(const std::string& path, std::uint64_t device, int flags) {
  const auto first_half = static_cast<std::int32_t>(device);
  const std::int64_t known = second_half_;
  if (known != kUnknown) return fsid_text({{first_half, static_cast<std::int32_t>(known)}});
  const auto mounted = mounted_at(path, flags);
  if (!mounted) return mounted.error();
  if (mounted->f_fsid.val[0] == first_half) second_half_ = static_cast<std::uint32_t>(mounted->f_fsid.val[1]);
  return fsid_text(mounted->f_fsid);
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
