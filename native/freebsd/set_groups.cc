#include "freebsd/set_groups.h"

#include <dlfcn.h>
#include <grp.h>
#include <unistd.h>

namespace buildjail {

SetGroups::SetGroups(gid_t gid, const std::vector<gid_t>& groups) {
  // Not linked against: a binary that names the new version does not load on 14.
  void* const current = ::dlvsym(RTLD_DEFAULT, "setgroups", "FBSD_1.8");
  void* const before = current != nullptr ? current : ::dlvsym(RTLD_DEFAULT, "setgroups", "FBSD_1.0");
  function_ = reinterpret_cast<Function>(before);
  if (current == nullptr) groups_.push_back(gid);
  groups_.insert(groups_.end(), groups.begin(), groups.end());
}

}  // namespace buildjail
