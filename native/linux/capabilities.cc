#include "linux/capabilities.h"

#include <sys/prctl.h>

#include <cerrno>

namespace buildjail {

namespace {

/** capabilities(7), "The securebits flags"; above each its lock. */
constexpr unsigned long kNoRoot = 1U << 0;
constexpr unsigned long kNoSetuidFixup = 1U << 2;
constexpr unsigned long kKeepCaps = 1U << 4;
constexpr unsigned long kNoAmbientRaise = 1U << 6;
constexpr unsigned long locked(unsigned long bit) { return bit << 1; }

}  // namespace

int bound_capabilities(std::uint64_t kept) {
  const unsigned long bits = (kept == 0 ? kNoRoot : 0) | locked(kNoRoot) | locked(kNoSetuidFixup) | locked(kKeepCaps) |
                             kNoAmbientRaise | locked(kNoAmbientRaise);
  if (::prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0) return -1;
  for (unsigned long capability = 0; capability < 64; ++capability) {
    if ((kept >> capability & 1U) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    // The first number that the running kernel has no capability for.
    return errno == EINVAL ? 0 : -1;
  }
  return 0;
}

}  // namespace buildjail
