#include "envelope/full_tmp.h"

#include <sys/types.h>
#include <fcntl.h>
#ifdef __FreeBSD__
#include <sys/param.h>
#include <sys/mount.h>
#else
#include <sys/vfs.h>
#endif

#include <algorithm>
#include <variant>

#include "base/tolerated.h"
#include "base/unique_fd.h"

namespace buildjail {

namespace {

constexpr const char* kTmp = "/tmp";

bool is_tmp(const Step& step) {
  const auto* const mounted = std::get_if<MountTmpfs>(&step);
  return mounted != nullptr && mounted->target == kTmp;
}

}  // namespace

std::optional<Limit> full_tmp(const std::string& root, const std::vector<Step>& steps) {
  if (!std::ranges::any_of(steps, is_tmp)) return std::nullopt;
  const Tolerated tolerated("a /tmp that cannot be looked at is not reported as full");
  const UniqueFd opened(::open((root + kTmp).c_str(), kReadFolder));
  struct statfs found{};
  if (!opened || ::fstatfs(opened.get(), &found) != 0) return std::nullopt;
  if (found.f_bfree == 0) return Limit::kTmpSize;
  if (found.f_ffree == 0) return Limit::kTmpFiles;
  return std::nullopt;
}

}  // namespace buildjail
