#include "freebsd/shown_devices.h"

#include <sys/param.h>
#include <sys/ioctl.h>
#include <sys/queue.h>

#include <fs/devfs/devfs.h>

#include <fcntl.h>

#include <cerrno>
#include <cstddef>

#include "base/unique_fd.h"
#include "plan/planned_device.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "devices";
constexpr mode_t kForEverybody = 0666;

/** By a rule that is applied once and is in no ruleset, which all sessions share (devfs(8), "rule apply"). */
Status show(int dev, const std::string& name, bool is_folder, const std::string& path) {
  devfs_rule rule{};
  rule.dr_magic = DEVFS_MAGIC;
  rule.dr_icond = DRC_PATHPTRN;
  rule.dr_iacts = DRA_BACTS;
  rule.dr_bacts = DRB_UNHIDE;
  if (!is_folder) {
    rule.dr_iacts |= DRA_MODE;
    rule.dr_mode = kForEverybody;
  }
  if (name.size() >= sizeof(rule.dr_pathptrn)) {
    errno = ENAMETOOLONG;
    return last_error(kStep, "ioctl", path);
  }
  name.copy(rule.dr_pathptrn, sizeof(rule.dr_pathptrn) - 1);
  return ::ioctl(dev, DEVFSIO_RAPPLY, &rule) == 0 ? Status() : last_error(kStep, "ioctl", path);
}

}  // namespace

Status show_devices(const std::string& mounted, const MountDev& step) {
  if (step.devices.empty()) return {};
  const UniqueFd dev(::open(mounted.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dev) return last_error(kStep, "open", mounted);
  for (const NamedDevice& device : step.devices) {
    const std::string name = device.path.substr(step.target.size() + 1);
    for (std::size_t at = 0; (at = name.find('/', at)) != std::string::npos; ++at) {
      if (auto status = show(dev.get(), name.substr(0, at), true, device.path); !status) return status;
    }
    if (auto status = show(dev.get(), name, false, device.path); !status) return status;
    std::string shown = mounted;
    shown.append("/").append(name);
    if (auto status = confirm_device(shown, device, kStep); !status) return status;
  }
  return {};
}

}  // namespace buildjail
