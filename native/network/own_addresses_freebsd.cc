#include <ifaddrs.h>

#include <algorithm>
#include <memory>

#include "network/own_addresses.h"

namespace buildjail {

std::optional<std::vector<Address>> own_among(const std::vector<Address>& found) {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return std::nullopt;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(first, &::freeifaddrs);
  std::vector<Address> own;
  for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const auto address = Address::from(*one->ifa_addr);
    if (address && std::ranges::any_of(found, [&](const Address& other) { return other.is_same_host(*address); }))
      own.push_back(*address);
  }
  return own;
}

}  // namespace buildjail
