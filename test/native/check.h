#pragma once

#include <cstdio>
#include <functional>

/** For the programs of this folder: prints a line a check, and counts those that do not hold. */
inline int failed_checks = 0;

inline void check(const char* name, const std::function<bool()>& holds) {
  const bool is_good = holds();
  if (!is_good) failed_checks += 1;
  std::printf("%s %s\n", is_good ? "ok" : "FAILED", name);
}
