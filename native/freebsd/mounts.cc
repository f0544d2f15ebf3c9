#include "freebsd/mounts.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>

#include "core/back_off.h"

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

Status unmount_target(const std::string& target, int flags) {
  const int by_fsid = target.starts_with("FSID:") ? MNT_BYFSID : 0;
  if (::unmount(target.c_str(), flags | by_fsid) == 0) return {};
  return last_error("unmount", "unmount", target);
}

Result<std::vector<struct statfs>> mounted_file_systems() {
  std::vector<struct statfs> mounted;
  int count = ::getfsstat(nullptr, 0, MNT_NOWAIT);
  while (count >= 0) {
    // Room for a few more than there were: others mount as well. A full buffer means that some may be missing.
    mounted.resize(static_cast<std::size_t>(count) + 16);
    count = ::getfsstat(mounted.data(), static_cast<long>(mounted.size() * sizeof(struct statfs)), MNT_NOWAIT);
    if (count >= 0 && static_cast<std::size_t>(count) < mounted.size()) break;
  }
  if (count < 0) return last_error("mount-table", "getfsstat");
  mounted.resize(static_cast<std::size_t>(count));
  return mounted;
}

Result<std::vector<MountEntry>> mount_table() {
  const auto mounted = mounted_file_systems();
  if (!mounted) return mounted.error();
  std::vector<MountEntry> table;
  table.reserve(mounted->size());
  for (const auto& one : *mounted) table.push_back(entry_of(one));
  return table;
}

MountStack::~MountStack() {
  try {
    Trace trace;
    static_cast<void>(unmount_down_to(0, std::chrono::milliseconds(0), trace));
  } catch (...) {  // NOLINT(bugprone-empty-catch): no memory to tell of it, and nobody to tell
  }
}

Status MountStack::unmount_down_to(std::size_t left, std::chrono::milliseconds bound, Trace& trace) {
  BackOff back_off(bound);
  while (mounts_.size() > left) {
    const auto& [fsid, path] = mounts_.back();
    auto status = unmount_target(fsid, 0);
    // ENOENT: somebody else unmounted it, which is what was wanted.
    if (!status && status.error().err != ENOENT) {
      if (status.error().err == EBUSY && back_off.wait()) continue;
      status.error().path = path;
      return status;
    }
    trace.mark("unmount", path);
    mounts_.pop_back();
  }
  return {};
}

Status MountStack::force_last(Trace& trace) {
  const auto& [fsid, path] = mounts_.back();
  if (auto status = unmount_target(fsid, MNT_FORCE); !status) {
    status.error().path = path;
    return status;
  }
  trace.mark("unmount-forced", path);
  mounts_.pop_back();
  return {};
}

}  // namespace buildjail
