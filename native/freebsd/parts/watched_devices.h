#pragma once

#include <sys/stat.h>

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <string>

#include "base/unique_fd.h"
#include "envelope/part.h"
#include "freebsd/opening.h"

namespace buildjail {

/**
 * The devices of /dev that a build that is root can revoke(2) for the whole host, as the kernel lets root of every
 * jail. The close of its session reports that, because programs of the host stop working. This is one of the
 * first parts, so that nothing else stays for its sake.
 */
class WatchedDevices final : public Part {
 public:
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (!opening.is_rest && opening.plan.user.uid == 0) parts.push_back(std::make_unique<WatchedDevices>());
  }

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
                    .dest = {},
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

}  // namespace buildjail
