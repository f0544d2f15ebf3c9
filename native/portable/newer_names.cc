// Only for addons that are made for other machines (scripts/prebuilds.mjs): functions of newer C libraries, which the
// compiler's C++ library calls, and which the oldest supported systems lack.

#include <cstdlib>

namespace {

/** The strtoul of all versions: <cstdlib> renames it to that of glibc 2.38, which reads `0b` as C23 does. */
extern "C" unsigned long every_strtoul(const char* text, char** end, int base) __asm__("strtoul");

}  // namespace

// libstdc++ 13 and later reads GLIBCXX_TUNABLES with it.
// NOLINTNEXTLINE(bugprone-reserved-identifier): it is the C library's
extern "C" __attribute__((visibility("hidden"))) unsigned long __isoc23_strtoul(const char* text, char** end,
                                                                                int base) {
  return every_strtoul(text, end, base);
}
