#include "freebsd/parts/skeleton.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/unique_fd.h"

namespace buildjail {

namespace {

Status make_at(const std::string& path, const MakeDirectory& directory) {
  if (::mkdir(path.c_str(), directory.mode) != 0) return last_error({}, "mkdir");
  // The umask is the host program's, and not ours to change.
  if (::chmod(path.c_str(), directory.mode) != 0) return last_error({}, "chmod");
  return {};
}

/** For another file to be mounted on. */
Status make_at(const std::string& path, const MakeFile&) {
  const UniqueFd made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  return made ? Status() : last_error({}, "open");
}

Status make_at(const std::string& path, const MakeLink& link) {
  return ::symlink(link.value.c_str(), path.c_str()) == 0 ? Status() : last_error({}, "symlink");
}

}  // namespace

std::string_view Skeleton::step() const {
  static constexpr std::array<std::string_view, 3> kSteps{"mkdir", "create", "symlink"};
  return kSteps.at(wanted_.index());
}

std::string_view Skeleton::target() const {
  return std::visit([](const auto* one) -> std::string_view { return one->target; }, wanted_);
}

Status Skeleton::make(Trace&) {
  const std::string path = root_ + std::string(target());
  return std::visit([&path](const auto* one) { return make_at(path, *one); }, wanted_);
}

}  // namespace buildjail
