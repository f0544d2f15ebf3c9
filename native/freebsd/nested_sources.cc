#include "freebsd/nested_sources.h"

#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "freebsd/mounted_list.h"
#include "state/journal.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "nested-sources";

struct Source {
  std::string_view path;
  bool is_writable;
};

bool is_below(std::string_view inner, std::string_view outer) {
  return inner.size() > outer.size() && inner.starts_with(outer) && inner[outer.size()] == '/';
}

bool is_nested(const Source& outer, const Source& inner) {
  return outer.is_writable && is_below(inner.path, outer.path);
}

SysError refusal(const Source& outer, const Source& inner) {
  return {.step = kStep,
          .syscall = "getfsstat",
          .err = EBUSY,
          .path = std::string(inner.path),
          .dest = std::string(outer.path),
          .detail = "a session that is live writes to a folder around it, and could move things out of it"};
}

Status refuse_pairs(const std::vector<Source>& ours, const std::vector<Source>& others) {
  for (const Source& own : ours) {
    for (const Source& other : others) {
      if (is_nested(own, other)) return refusal(own, other);
      if (is_nested(other, own)) return refusal(other, own);
    }
  }
  return {};
}

// The root of each session is a directory there, and a directory has a link of each that is in it: two are its own.
Result<bool> is_alone(const std::string& state_directory) {
  constexpr nlink_t kOfOne = 3;
  struct stat found{};
  if (::lstat(state_directory.c_str(), &found) != 0) return last_error(kStep, "lstat", state_directory);
  return found.st_nlink == kOfOne;
}

std::vector<Source> others_in(const MountedList& mounted, const std::string& state_directory, const std::string& root) {
  std::vector<Source> others;
  for (const struct statfs& one : mounted) {
    const bool is_other = is_below(one.f_mntonname, state_directory) && !is_below(one.f_mntonname, root);
    if (is_other && std::string_view(one.f_fstypename) == "nullfs")
      others.push_back({one.f_mntfromname, (one.f_flags & MNT_RDONLY) == 0});
  }
  return others;
}

}  // namespace

Status refuse_nested_sources(const std::vector<const Bind*>& own, const std::string& state_directory,
                             const std::string& id, SpareList& memory) {
  std::vector<Source> ours;
  std::vector<Source> writable;
  for (const Bind* bind : own) {
    ours.push_back({bind->source, bind->is_writable});
    if (bind->is_writable) writable.push_back(ours.back());
  }
  if (auto status = refuse_pairs(writable, ours); !status) return status;
  // The mount table has everything of the host's, so it is read only where there may be something of others' in it.
  const auto alone = is_alone(state_directory);
  if (!alone) return alone.error();
  if (*alone) return {};
  auto mounted = MountedList::read(memory.take());
  if (!mounted) return mounted.error();
  auto status = refuse_pairs(ours, others_in(*mounted, state_directory, root_of(state_directory, id)));
  memory.give_back(std::move(*mounted));
  return status;
}

}  // namespace buildjail
