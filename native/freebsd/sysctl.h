#pragma once

#include <sys/types.h>
#include <sys/sysctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/tolerated.h"

namespace buildjail {

/** The answer of sysctl(3) to a name of numbers. */
inline Result<std::vector<std::byte>> read_sysctl(std::span<const int> name) {
  const auto words = static_cast<u_int>(name.size());
  for (;;) {
    std::size_t size = 0;
    if (::sysctl(name.data(), words, nullptr, &size, nullptr, 0) != 0) return last_error("sysctl", "sysctl");
    // With room for more, because the answer may grow.
    std::vector<std::byte> answer(size + size / 4 + 4096);
    size = answer.size();
    const Tolerated tolerated("the answer has grown meanwhile (sysctl(3)), and is asked for again", ENOMEM);
    if (::sysctl(name.data(), words, answer.data(), &size, nullptr, 0) == 0) {
      answer.resize(size);
      return answer;
    }
    if (errno != ENOMEM) return last_error("sysctl", "sysctl");
  }
}

/** The same by words, such as `net.inet.tcp.pcblist`. */
inline Result<std::vector<std::byte>> read_sysctl(const char* name) {
  std::array<int, CTL_MAXNAME> numbers{};
  std::size_t count = numbers.size();
  if (::sysctlnametomib(name, numbers.data(), &count) != 0) return last_error("sysctl", "sysctlnametomib", name);
  return read_sysctl(std::span<const int>(numbers.data(), count));
}

/**
 * Cuts an answer into its records, each of which begins with its own size as `Size`. A short record is filled up with
 * zeros: the kernel leaves out the unused end of a path (sys/user.h, kf_structsize), and an older kernel newer fields.
 */
template <class Record, class Size>
std::vector<Record> records_of(std::span<const std::byte> answer) {
  std::vector<Record> records;
  while (answer.size() >= sizeof(Size)) {
    Size size{};
    std::memcpy(&size, answer.data(), sizeof(size));
    const auto length = static_cast<std::size_t>(size);
    if (length < sizeof(Size) || length > answer.size()) break;
    Record record{};
    std::memcpy(&record, answer.data(), std::min(length, sizeof(record)));
    records.push_back(record);
    answer = answer.subspan(length);
  }
  return records;
}

}  // namespace buildjail
