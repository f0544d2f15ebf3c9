#include "linux/privileges.h"

#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/tolerated.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "init";
/** Sets of 64 bits, in two halves (capget(2)). */
using Sets = std::array<__user_cap_data_struct, 2>;
constexpr __user_cap_header_struct kOfThisThread{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
constexpr unsigned long kCapabilities = 64;

bool has(std::uint64_t set, unsigned long capability) { return (set >> capability & 1U) != 0; }

bool is_unknown(int err) { return err == ENOSYS || err == EPERM; }

}  // namespace

bool raise_capabilities(Stopped& stopped) {
  Sets sets{};
  if (::syscall(SYS_capget, &kOfThisThread, sets.data()) != 0) return stopped.at(kStep, "capget");
  for (auto& half : sets) half.effective = half.permitted;
  return ::syscall(SYS_capset, &kOfThisThread, sets.data()) == 0 || stopped.at(kStep, "capset");
}

bool keep_capabilities(Stopped& stopped) {
  Sets sets{};
  if (::syscall(SYS_capget, &kOfThisThread, sets.data()) != 0) return stopped.at(kStep, "capget");
  for (auto& half : sets) half.inheritable = half.permitted;
  if (::syscall(SYS_capset, &kOfThisThread, sets.data()) != 0) return stopped.at(kStep, "capset");
  const std::uint64_t permitted = sets.at(0).permitted | std::uint64_t{sets.at(1).permitted} << 32U;
  for (unsigned long capability = 0; capability < kCapabilities; ++capability) {
    if (!has(permitted, capability)) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) return stopped.at(kStep, "prctl");
  }
  return true;
}

void bound_capabilities(const BuildUser& user, bool launches_others, InitCalls& calls) {
  constexpr std::uint64_t kLaunching = 1U << CAP_KILL | 1U << CAP_SETGID | 1U << CAP_SETUID | 1U << CAP_SETPCAP;
  const CallSite site{.step = kStep};
  const std::uint64_t kept = kept_capabilities(user);
  const unsigned long bits = (kept == 0 ? SECBIT_NOROOT : 0) | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                             SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  calls.make(site, kCall_prctl, {PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0});
  calls.make(site, kCall_prctl, {PR_SET_SECUREBITS, bits, 0, 0, 0});
  for (unsigned long capability = 0; capability < kCapabilities; ++capability) {
    // defence: capabilities-bounded
    if (has(kept, capability)) continue;
    const Tolerated tolerated("the kernel has fewer capabilities than there are bits", EINVAL);
    calls.make(site, kCall_prctl, {PR_CAPBSET_DROP, capability, 0, 0, 0}).may_fail(EINVAL);
  }
  const auto low = static_cast<std::uint32_t>(kept | (launches_others ? kLaunching : 0));
  const Sets sets{{{.effective = low, .permitted = low, .inheritable = 0}, {}}};
  calls.make(site, kCall_capset, {CallArgument::bytes(kOfThisThread), CallArgument::bytes(sets)});
}

bool keep_capabilities_only(std::uint64_t kept) {
  Sets sets{};
  if (::syscall(SYS_capget, &kOfThisThread, sets.data()) != 0) return false;
  for (auto& [effective, permitted, inheritable] : sets) {
    effective &= static_cast<std::uint32_t>(kept);
    permitted &= static_cast<std::uint32_t>(kept);
    inheritable = 0;
    kept >>= 32U;
  }
  return ::syscall(SYS_capset, &kOfThisThread, sets.data()) == 0;
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
