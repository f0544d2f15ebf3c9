#include "freebsd/sysctl.h"

#include <sys/types.h>
#include <sys/sysctl.h>

#include <array>
#include <cerrno>

namespace buildjail {

Result<std::vector<std::byte>> read_sysctl(std::span<const int> name) {
  const auto words = static_cast<u_int>(name.size());
  for (;;) {
    std::size_t size = 0;
    if (::sysctl(name.data(), words, nullptr, &size, nullptr, 0) != 0) return last_error("sysctl", "sysctl");
    // With room for more, because the answer may grow.
    std::vector<std::byte> answer(size + size / 4 + 4096);
    size = answer.size();
    if (::sysctl(name.data(), words, answer.data(), &size, nullptr, 0) == 0) {
      answer.resize(size);
      return answer;
    }
    // ENOMEM: the answer has grown meanwhile (sysctl(3)).
    if (errno != ENOMEM) return last_error("sysctl", "sysctl");
  }
}

Result<std::vector<std::byte>> read_sysctl(const char* name) {
  std::array<int, CTL_MAXNAME> numbers{};
  std::size_t count = numbers.size();
  if (::sysctlnametomib(name, numbers.data(), &count) != 0) return last_error("sysctl", "sysctlnametomib", name);
  return read_sysctl(std::span<const int>(numbers.data(), count));
}

}  // namespace buildjail
