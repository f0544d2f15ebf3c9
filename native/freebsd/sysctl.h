#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "base/result.h"

namespace buildjail {

/** The answer of sysctl(3) to a name of numbers, or of words (`net.inet.tcp.pcblist`). */
Result<std::vector<std::byte>> read_sysctl(std::span<const int> name);
Result<std::vector<std::byte>> read_sysctl(const char* name);

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
