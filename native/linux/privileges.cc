#include "linux/privileges.h"

#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace buildjail {

namespace {

constexpr const char* kStep = "init";
/** Sets of 64 bits, in two halves (capget(2)). */
using Sets = std::array<__user_cap_data_struct, 2>;
constexpr __user_cap_header_struct kOfThisThread{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
constexpr unsigned long kCapabilities = 64;

bool has(std::uint64_t set, unsigned long capability) { return (set >> capability & 1U) != 0; }

bool is_unknown(int err) { return err == ENOSYS || err == EPERM; }

/** This process keeps these and no others, and so does the program that it executes, whatever its user. */
bool make_ambient(std::uint64_t kept, Stopped& stopped) {
  const auto low = static_cast<std::uint32_t>(kept);
  const Sets sets{{{.effective = low, .permitted = low, .inheritable = low}, {}}};
  if (::syscall(SYS_capset, &kOfThisThread, sets.data()) != 0) return stopped.at(kStep, "capset");
  for (unsigned long capability = 0; capability < kCapabilities; ++capability) {
    if (!has(kept, capability)) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) return stopped.at(kStep, "prctl");
  }
  return true;
}

}  // namespace

bool bound_capabilities(const BuildUser& user, bool launches_others, Stopped& stopped) {
  constexpr std::uint64_t kLaunching = 1U << CAP_KILL | 1U << CAP_SETGID | 1U << CAP_SETUID | 1U << CAP_SETPCAP;
  const std::uint64_t kept = kept_capabilities(user);
  if (launches_others && !make_ambient(kLaunching | kept, stopped)) return false;
  // defence: command-executed-build-user-2
  const unsigned long bits = (kept == 0 ? SECBIT_NOROOT : 0) | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                             SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  if (::prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0) return stopped.at(kStep, "prctl");
  for (unsigned long capability = 0; capability < kCapabilities; ++capability) {
    // defence: capabilities-bounded
    if (has(kept, capability)) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    // EINVAL: the first number without a capability in this kernel.
    return errno == EINVAL || stopped.at(kStep, "prctl");
  }
  return true;
}

bool has_capability(unsigned capability) {
  Sets sets{};
  if (::syscall(SYS_capget, &kOfThisThread, sets.data()) != 0) return false;
  return has(sets.at(0).effective | std::uint64_t{sets.at(1).effective} << 32U, capability);
}

bool make_session_keyring(Stopped& stopped) {
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) >= 0) return true;
  const int err = errno;
  // A kernel without keyrings, and a container that forbids keyctl(2), refuse every request; then the caller's keyring
  // is out of reach inside too. If only this request failed, it is not.
  if (is_unknown(err) && ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) < 0 &&
      is_unknown(errno))
    return true;
  errno = err;
  return stopped.at(kStep, "keyctl");
}

}  // namespace buildjail
