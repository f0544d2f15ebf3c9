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

std::uint64_t joined(std::uint32_t low, std::uint32_t high) { return static_cast<std::uint64_t>(high) << 32U | low; }

Half half_of(const Capabilities& sets, unsigned first) {
  return {.effective = static_cast<std::uint32_t>(sets.effective >> first),
          .permitted = static_cast<std::uint32_t>(sets.permitted >> first),
          .inheritable = static_cast<std::uint32_t>(sets.inheritable >> first)};
}

int set_capabilities(const Capabilities& wanted) {
  Header header;
  const Halves halves{half_of(wanted, 0), half_of(wanted, 32)};
  return static_cast<int>(::syscall(SYS_capset, &header, halves.data()));
}

}  // namespace

int get_capabilities(Capabilities& found) {
  Header header;
  Halves halves{};
  if (::syscall(SYS_capget, &header, halves.data()) != 0) return -1;
  found = {.effective = joined(halves[0].effective, halves[1].effective),
           .permitted = joined(halves[0].permitted, halves[1].permitted),
           .inheritable = joined(halves[0].inheritable, halves[1].inheritable)};
  return 0;
}

int bound_capabilities(std::uint64_t kept) {
  // A build that is root gets what is in its bounding set by execve(2); any other gets nothing, not by a file's set-uid
  // bit either. Changing ids changes no capabilities, so they stay until they are laid down.
  const unsigned long bits = (kept == 0 ? kNoRoot : 0) | locked(kNoRoot) | kNoSetuidFixup | locked(kNoSetuidFixup) |
                             locked(kKeepCaps) | kNoAmbientRaise | locked(kNoAmbientRaise);
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return -1;
  if (::prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0) return -1;
  for (unsigned long capability = 0; capability < 64; ++capability) {
    if ((kept >> capability & 1U) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    // The first number that the running kernel has no capability for.
    return errno == EINVAL ? 0 : -1;
  }
  return 0;
}

int lay_down_capabilities(const Capabilities& held, std::uint64_t kept) {
  return set_capabilities({.effective = held.permitted & kept, .permitted = held.permitted, .inheritable = 0});
}

int make_kill_inheritable(const Capabilities& held) {
  return set_capabilities({.effective = held.effective, .permitted = held.permitted, .inheritable = 1ULL << kCapKill});
}

int keep_kill() { return ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kCapKill, 0, 0); }

int forbid_new_privileges() { return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

}  // namespace buildjail
