// Only in what is made for other machines (scripts/prebuilds.mjs): names of the C library that the compiler's own C++
// library, which is linked in, calls and that the oldest systems do not have.

#include <cstdlib>

namespace {

/** The function of all versions: <cstdlib> has a name of glibc 2.38 for it, which reads `0b` as C23 does. */
extern "C" unsigned long every_strtoul(const char* text, char** end, int base) __asm__("strtoul");

}  // namespace

// Of libstdc++ 13 and later, which reads GLIBCXX_TUNABLES with it.
// NOLINTNEXTLINE(bugprone-reserved-identifier): it is the C library's
extern "C" __attribute__((visibility("hidden"))) unsigned long __isoc23_strtoul(const char* text, char** end,
                                                                                int base) {
  return every_strtoul(text, end, base);
}
