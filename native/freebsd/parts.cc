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

/** A file system in memory of the build's own. */
class Tmpfs final : public Mount {
 public:
  /** `step` outlives it. */
  Tmpfs(SessionJail& jail, const MountTmpfs& step) : Mount(jail, step.target), size_(step.size), files_(step.files) {}

  Status make(Trace&) override {
    // defence: file-system-memory-spec
    const std::uint64_t files = std::max(files_ + 1, kFewest);
    auto options = empty_tmpfs(path(), files);
    if (size_ > 0) options.add_string("size", std::to_string(size_));
    return mount(std::move(options), MNT_NOSUID);
  }

 private:
  /** With the root; of fewer the kernel makes a number of its own (tmpfs_mount). */
  static constexpr std::uint64_t kFewest = 4;

  std::uint64_t size_, files_;
};

/** procfs(5), which shows the processes of the jail alone. */
class Procfs final : public Mount {
 public:
  /** `step` outlives it. */
  Procfs(SessionJail& jail, const MountProc& step) : Mount(jail, step.target) {}
  Status make(Trace&) override { return mount(file_system("procfs", path()), MNT_NOSUID | MNT_NOEXEC); }
};

// What is made in the root's own file system goes with that.

Status make_at(const std::string& path, const MakeDirectory& directory) {
  if (::mkdir(path.c_str(), directory.mode) != 0) return last_error({}, "mkdir");
  // The umask is the host program's, and not ours to change.
  return ::chmod(path.c_str(), directory.mode) == 0 ? Status() : last_error({}, "chmod");
}

/** For another file to be mounted on. */
Status make_at(const std::string& path, const MakeFile&) {
  const UniqueFd made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  return made ? Status() : last_error({}, "open");
}

Status make_at(const std::string& path, const WriteText& wanted) { return write_new_file(path, wanted.text); }

Status make_at(const std::string& path, const MakeLink& link) {
  return ::symlink(link.value.c_str(), path.c_str()) == 0 ? Status() : last_error({}, "symlink");
}

/** Held open, because a descriptor tells whether its device was revoked. */
class OpenDevices final : public Part {
 public:
  Status make(Trace&) override {
    for (Device& device : devices_) {
      device.fd.reset(::open(device.path, O_RDONLY | O_CLOEXEC));
      if (!device.fd) return last_error(kStep, "open", device.path);
    }
    return {};
  }

  /** EBADF, once, when one was revoked. */
  Status take_away(TakingAway&) override {
    std::string revoked;
    for (Device& device : devices_) {
      struct stat found{};
      if (device.fd && ::fstat(device.fd.get(), &found) != 0 && errno == EBADF)
        revoked += (revoked.empty() ? "" : " ") + std::string(device.path);
      device.fd.reset();
    }
    if (revoked.empty()) return {};
    return SysError{.step = kStep,
                    .syscall = "fstat",
                    .err = EBADF,
                    .path = revoked,
                    .detail =
                        "revoked while a build that is root was running: every program of this host that had it "
                        "open must open it again"};
  }

 private:
  struct Device {
    const char* path;
    UniqueFd fd;
  };

  static constexpr const char* kStep = "devices";

  std::array<Device, 3> devices_{{{"/dev/null", {}}, {"/dev/zero", {}}, {"/dev/random", {}}}};
};

}  // namespace

void WatchedDevices::add_planned(const JailOpening& opening, Parts& parts) {
  if (!opening.is_rest && opening.plan.user.uid == 0) parts.push_back(std::make_unique<OpenDevices>());
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
  const Overloaded add_step{[&](const MakeDirectory& one) { add_in_root("mkdir", one); },
                            [&](const MakeFile& one) { add_in_root("create", one); },
                            [&](const MakeLink& one) { add_in_root("symlink", one); },
                            [&](const WriteText& one) {
                              if (one.target != "/etc/passwd") return add_in_root("write", one);
                              // Its number is known by the time that this is made.
                              add_act("write", one,
                                      [&jail, &one] { return write_accounts(jail.root, one, jail.user.uid); });
                            },
                            [&](const MountTmpfs& one) { add(std::make_unique<Tmpfs>(jail, one)); },
                            [&](const MountProc& one) { add(std::make_unique<Procfs>(jail, one)); },
                            [&](const MountDev& one) { add(devfs_part(jail, one, opening.host.devfs_ruleset)); },
                            [&](const Listed& one) { add_act("list", one, [&one] { return confirm_listed(one); }); },
                            [&](const Bind& one) { add_source(opening, one, parts); }};
  for (const Step& step : opening.steps) std::visit(add_step, step);
}

}  // namespace buildjail
