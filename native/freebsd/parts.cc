#include "freebsd/parts.h"

#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/unique_fd.h"
#include "freebsd/devfs.h"
#include "freebsd/mounts.h"
#include "freebsd/parts/mount.h"

namespace buildjail {

namespace {

template <class... Calls>
struct Overloaded : Calls... {
  using Calls::operator()...;
};
template <class... Calls>
Overloaded(Calls...) -> Overloaded<Calls...>;

/** A file system without a source. */
class OwnFileSystem final : public Mount {
 public:
  /** `target` outlives it. */
  OwnFileSystem(SessionJail& jail, std::string_view target, IovecList options, int flags)
      : Mount(jail, target), options_(std::move(options)), flags_(flags) {}
  Status make(Trace&) override { return mount(std::move(options_), flags_); }

 private:
  IovecList options_;
  int flags_;
};

// A file in the root's own file system goes with that.

Status make_at(const std::string& path, const MakeDirectory& directory) {
  if (::mkdir(path.c_str(), directory.mode) != 0) return last_error({}, "mkdir");
  // The umask is the host program's, and not ours to change.
  return ::chmod(path.c_str(), directory.mode) == 0 ? Status() : last_error({}, "chmod");
}

/** An empty file on which another is mounted. */
Status make_at(const std::string& path, const MakeFile&) {
  const UniqueFd made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  return made ? Status() : last_error({}, "open");
}

Status make_at(const std::string& path, const WriteText& wanted) { return write_new_file(path, wanted.text); }

Status make_at(const std::string& path, const MakeLink& link) {
  return ::symlink(link.value.c_str(), path.c_str()) == 0 ? Status() : last_error({}, "symlink");
}

/** A device that is held open, because a descriptor shows whether it was revoked. */
struct HeldDevice {
  const char* path;
  UniqueFd fd;
};

constexpr const char* kDevicesStep = "devices";

/** Returns EBADF, once, if one was revoked. */
Status let_go(std::span<HeldDevice> devices) {
  std::string revoked;
  for (HeldDevice& device : devices) {
    struct stat found{};
    if (device.fd && ::fstat(device.fd.get(), &found) != 0 && errno == EBADF)
      revoked += (revoked.empty() ? "" : " ") + std::string(device.path);
    device.fd.reset();
  }
  if (revoked.empty()) return {};
  return SysError{.step = kDevicesStep,
                  .syscall = "fstat",
                  .err = EBADF,
                  .path = revoked,
                  .detail =
                      "revoked while a build that is root was running: every program of this host that had it "
                      "open must open it again"};
}

}  // namespace

IovecList options_of(const std::string& path, const MountTmpfs& step) {
  /** Including the root. For a smaller number the kernel takes one of its own (tmpfs_mount). */
  constexpr std::uint64_t kFewest = 4;
  // defence: file-system-memory-spec
  const std::uint64_t files = std::max(step.files + 1, kFewest);
  auto options = empty_tmpfs(path, files);
  if (step.size > 0) options.add_string("size", std::to_string(step.size));
  return options;
}

void WatchedDevices::add_planned(const JailOpening& opening, Parts& parts) {
  if (opening.is_rest || opening.plan.user.uid != 0) return;
  const auto held = std::make_shared<std::vector<HeldDevice>>();
  auto make = [held]() -> Status {
    for (const char* path : {"/dev/null", "/dev/zero", "/dev/random"}) {
      held->push_back({path, UniqueFd(::open(path, O_RDONLY | O_CLOEXEC))});
      if (!held->back().fd) return last_error(kDevicesStep, "open", path);
    }
    return {};
  };
  parts.push_back(std::make_unique<Act>("", "", std::move(make), [held](TakingAway&) { return let_go(*held); }));
}

void Steps::add_planned(JailOpening& opening, Parts& parts) {
  SessionJail& jail = opening.jail;
  const auto add = [&parts](std::unique_ptr<Part> part) { parts.push_back(std::move(part)); };
  const auto add_act = [&](const char* step, const auto& one, Act::Make make) {
    add(std::make_unique<Act>(step, one.target, std::move(make)));
  };
  const auto add_in_root = [&](const char* step, const auto& one) {
    add_act(step, one, [&jail, &one] { return make_at(jail.root + one.target, one); });
  };
  const auto mount_own = [&](const auto& one, IovecList options, int flags) {
    add(std::make_unique<OwnFileSystem>(jail, one.target, std::move(options), flags));
  };
  const Overloaded add_step{
      [&](const MakeDirectory& one) { add_in_root("mkdir", one); },
      [&](const MakeFile& one) { add_in_root("create", one); },
      [&](const MakeLink& one) { add_in_root("symlink", one); },
      [&](const WriteText& one) {
        if (one.target != "/etc/passwd") return add_in_root("write", one);
        // Its number is known when this is made.
        add_act("write", one, [&jail, &one] { return write_accounts(jail.root, one, jail.user.uid); });
      },
      [&](const MountTmpfs& one) { mount_own(one, options_of(jail.root + one.target, one), MNT_NOSUID); },
      // It shows the processes of the jail alone (procfs(5)).
      [&](const MountProc& one) {
        mount_own(one, file_system("procfs", jail.root + one.target), MNT_NOSUID | MNT_NOEXEC);
      },
      [&](const MountDev& one) { add(devfs_part(jail, one, opening.host.devfs_ruleset)); },
      [&](const Listed& one) { add_act("list", one, [&one] { return confirm_listed(one); }); },
      [&](const Bind& one) { add_source(opening, one, parts); }};
  for (const Step& step : opening.steps) std::visit(add_step, step);
}

}  // namespace buildjail
