#include "freebsd/nested_sources.h"

#include <sys/param.h>
#include <sys/mount.h>

#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include "freebsd/mounts.h"

namespace buildjail {

namespace {

bool is_below(std::string_view inner, std::string_view outer) {
  return inner.size() > outer.size() && inner.starts_with(outer) && inner[outer.size()] == '/';
}

/** A writable mount, and one of something in what it shows. */
bool is_nested(const struct statfs& outer, const struct statfs& inner) {
  return (outer.f_flags & MNT_RDONLY) == 0 && is_below(inner.f_mntfromname, outer.f_mntfromname);
}

SysError refusal(const struct statfs& outer, const struct statfs& inner) {
  return {.step = "nested-sources",
          .syscall = "getfsstat",
          .err = EBUSY,
          .path = inner.f_mntfromname,
          .dest = outer.f_mntfromname,
          .detail = "a session that is live writes to a folder around it, and could move things out of it"};
}

}  // namespace

Status refuse_nested_sources(const std::string& root, const std::string& state_directory) {
  auto mounted = mounted_file_systems();
  if (!mounted) return std::move(mounted.error());
  std::erase_if(*mounted, [&](const struct statfs& one) {
    return std::string_view(one.f_fstypename) != "nullfs" || !is_below(one.f_mntonname, state_directory);
  });
  for (const auto& ours : *mounted) {
    if (!is_below(ours.f_mntonname, root)) continue;
    for (const auto& other : *mounted) {
      if (is_nested(ours, other)) return refusal(ours, other);
      if (is_nested(other, ours)) return refusal(other, ours);
    }
  }
  return {};
}

}  // namespace buildjail
