#include "linux/host_mounts.h"

#include <cstdint>
#include <vector>

#include "linux/raw_calls.h"

namespace buildjail {

bool are_host_mounts(std::size_t at_least) {
  std::vector<std::uint64_t> ids(at_least);
  return raw::listmount({.mount = raw::kRootMount}, ids.data(), ids.size()) == static_cast<long>(at_least);
}

}  // namespace buildjail
