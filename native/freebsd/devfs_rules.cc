#include "freebsd/devfs_rules.h"

#include <fcntl.h>

#include <cerrno>

namespace buildjail {

namespace {

constexpr const char* kStep = "devfs-ruleset";
constexpr const char* kDev = "/dev";

template <class Argument>
Status call(int dev, unsigned long request, Argument& argument) {
  return ::ioctl(dev, request, &argument) == 0 ? Status() : last_error(kStep, "ioctl", kDev);
}

}  // namespace

Result<UniqueFd> open_devfs(const std::string& path) {
  UniqueFd dev(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dev) return last_error(kStep, "open", path);
  return dev;
}

devfs_rule empty_rule(int ruleset, int number) {
  devfs_rule empty{};
  empty.dr_magic = DEVFS_MAGIC;
  empty.dr_id = static_cast<devfs_rid>(mkrid(static_cast<unsigned>(ruleset), static_cast<unsigned>(number)));
  return empty;
}

Status add_devfs_rule(int dev, devfs_rule& rule) { return call(dev, DEVFSIO_RADD, rule); }

Result<std::optional<devfs_rule>> next_devfs_rule(int dev, int ruleset, int number) {
  devfs_rule next = empty_rule(ruleset, number);
  auto status = call(dev, DEVFSIO_RGETNEXT, next);
  if (status) return std::optional(next);
  // No more rules, or no such ruleset.
  if (status.error().err == ENOENT) return std::optional<devfs_rule>();
  return std::move(status.error());
}

Status remove_devfs_rule(int dev, int ruleset, int number) {
  devfs_rid id = empty_rule(ruleset, number).dr_id;
  return call(dev, DEVFSIO_RDEL, id);
}

Status apply_devfs_ruleset(int dev, int ruleset) {
  auto number = static_cast<devfs_rsnum>(ruleset);
  return call(dev, DEVFSIO_SAPPLY, number);
}

Status use_devfs_ruleset(int dev, int ruleset) {
  auto number = static_cast<devfs_rsnum>(ruleset);
  return call(dev, DEVFSIO_SUSE, number);
}

}  // namespace buildjail
