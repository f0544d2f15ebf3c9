#include "linux/privileges.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace buildjail {

namespace {

/** capabilities(7), "The securebits flags"; the bit above each is its lock. */
constexpr unsigned long kNoRoot = 1U << 0;
constexpr unsigned long kNoSetuidFixup = 1U << 2;
constexpr unsigned long kKeepCaps = 1U << 4;
constexpr unsigned long kNoAmbientRaise = 1U << 6;
/** capget(2), with sets of 64 bits in two halves. */
constexpr std::uint32_t kVersion = 0x20080522;
constexpr unsigned kHalf = 32;

struct Header {
  std::uint32_t version;
  std::int32_t pid;
};

struct Half {
  std::uint32_t effective;
  std::uint32_t permitted;
  std::uint32_t inheritable;
};

constexpr Half all_three(std::uint32_t set) { return {.effective = set, .permitted = set, .inheritable = set}; }

constexpr unsigned long locked(unsigned long bit) { return bit << 1; }

}  // namespace

const char* make_ambient(std::uint64_t kept) {
  const Header header{.version = kVersion, .pid = 0};
  const std::array<Half, 2> sets{all_three(static_cast<std::uint32_t>(kept)),
                                 all_three(static_cast<std::uint32_t>(kept >> kHalf))};
  if (::syscall(SYS_capset, &header, sets.data()) != 0) return "capset";
  for (unsigned long capability = 0; capability < 64; ++capability) {
    if ((kept >> capability & 1U) == 0) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) return "prctl";
  }
  return nullptr;
}

int bound_capabilities(std::uint64_t kept) {
  const unsigned long bits = (kept == 0 ? kNoRoot : 0) | locked(kNoRoot) | locked(kNoSetuidFixup) | locked(kKeepCaps) |
                             kNoAmbientRaise | locked(kNoAmbientRaise);
  if (::prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0) return -1;
  for (unsigned long capability = 0; capability < 64; ++capability) {
    if ((kept >> capability & 1U) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    // EINVAL: the first number without a capability in this kernel.
    return errno == EINVAL ? 0 : -1;
  }
  return 0;
}

bool has_capability(unsigned capability) {
  const Header header{.version = kVersion, .pid = 0};
  std::array<Half, 2> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return false;
  return (sets.at(capability / kHalf).effective >> capability % kHalf & 1U) != 0;
}

namespace {

// By number: the kernel's headers are not installed wherever a compiler is (keyctl(2)).
constexpr int kGetKeyringId = 0;
constexpr int kJoinSessionKeyring = 1;
constexpr int kOwnSessionKeyring = -3;

bool is_unknown(int err) { return err == ENOSYS || err == EPERM; }

/**
 * A kernel without keyrings, and a container that forbids keyctl(2), refuse every request; then the caller's keyring is
 * out of reach inside too. If only this request failed, it is not.
 */
int unless_unknown(long result) {
  if (result >= 0) return 0;
  const int err = errno;
  if (is_unknown(err) && ::syscall(SYS_keyctl, kGetKeyringId, kOwnSessionKeyring, 0) < 0 && is_unknown(errno)) return 0;
  errno = err;
  return -1;
}

}  // namespace

int make_session_keyring() { return unless_unknown(::syscall(SYS_keyctl, kJoinSessionKeyring, nullptr)); }

}  // namespace buildjail
