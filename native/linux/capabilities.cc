#include "linux/capabilities.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace buildjail {

namespace {

// The kernel's own headers, which have the following, are not everywhere where a compiler is.

/** Version 3 of capset(2): sets of 64, in two halves, the lower first. */
struct Header {
  std::uint32_t version = 0x20080522;
  int pid = 0;
};

struct Half {
  std::uint32_t effective;
  std::uint32_t permitted;
  std::uint32_t inheritable;
};

using Halves = std::array<Half, 2>;

constexpr unsigned kCapKill = 5;

/** capabilities(7), "The securebits flags"; above each its lock. */
constexpr unsigned long kNoRoot = 1U << 0;
constexpr unsigned long kNoSetuidFixup = 1U << 2;
constexpr unsigned long kKeepCaps = 1U << 4;
constexpr unsigned long kNoAmbientRaise = 1U << 6;
constexpr unsigned long locked(unsigned long bit) { return bit << 1; }

int make_kill_inheritable() {
  Header header;
  Halves halves{};
  if (::syscall(SYS_capget, &header, halves.data()) != 0) return -1;
  halves[0].inheritable = 1U << kCapKill;
  halves[1].inheritable = 0;
  return static_cast<int>(::syscall(SYS_capset, &header, halves.data()));
}

}  // namespace

int bound_to_kill(std::uint64_t kept) {
  const std::uint64_t left = kept | 1U << kCapKill;
  const unsigned long bits = (kept == 0 ? kNoRoot : 0) | locked(kNoRoot) | locked(kNoSetuidFixup) | locked(kKeepCaps) |
                             kNoAmbientRaise | locked(kNoAmbientRaise);
  if (make_kill_inheritable() != 0) return -1;
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kCapKill, 0, 0) != 0) return -1;
  if (::prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0) return -1;
  for (unsigned long capability = 0; capability < 64; ++capability) {
    if ((left >> capability & 1U) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    // The first number that the running kernel has no capability for.
    return errno == EINVAL ? 0 : -1;
  }
  return 0;
}

}  // namespace buildjail
