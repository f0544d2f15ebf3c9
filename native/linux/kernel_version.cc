#include "linux/kernel_version.h"

#include <sys/utsname.h>

#include <charconv>
#include <system_error>

namespace buildjail {

std::pair<int, int> kernel_version() {
  utsname names{};
  std::pair<int, int> version{0, 0};
  if (::uname(&names) != 0) return version;
  const char* const end = names.release + sizeof(names.release);
  const auto [dot, error] = std::from_chars(names.release, end, version.first);
  if (error == std::errc()) std::from_chars(dot + 1, end, version.second);
  return version;
}

}  // namespace buildjail
