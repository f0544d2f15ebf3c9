#pragma once

#include <sys/param.h>
#include <sys/mount.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "envelope/record.h"
#include "freebsd/iovec_list.h"

namespace buildjail {

/** What every file system is mounted with: its type, where, and of what; most are of nothing but their type. */
IovecList file_system(const char* type, const std::string& path, const std::string& from = {});

/** nmount(2) with its explanation; `options` ends in add_errmsg(). */
Status nmount_options(IovecList& options, int flags, const std::string& step, const std::string& path);

/** As unmount(2) takes it with MNT_BYFSID: `FSID:0:1`. */
std::string fsid_text(const fsid_t& fsid);

/** Of the file system that is mounted at a path. */
Result<std::string> fsid_at(const std::string& path);

/**
 * The ids of nullfs mounts. The kernel makes the device of their files from the first half of the id (null_getattr),
 * and the second is the same for all of them; so that after one has shown that this is so, the others need not be asked
 * for, each of which would be a statfs(2) of the file system below as well.
 */
class NullfsIds {
 public:
  /** Of what is mounted at `path`, whose files have the device `device` (stat(2)). */
  Result<std::string> at(const std::string& path, std::uint64_t device);

 private:
  std::optional<std::int32_t> second_half_;
};

/** unmount(2) of a path, or of an FSID: by that no path is looked up, so none can lead elsewhere. */
Status unmount_target(const std::string& target, int flags);

/** What is mounted on the host, for people. */
Result<std::vector<MountEntry>> mount_table();

}  // namespace buildjail
