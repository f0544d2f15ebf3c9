#include "state/output_lease.h"

namespace buildjail {

std::string lease_of(const std::string& host_directory, std::uint64_t dev, std::uint64_t ino) {
  return host_directory + "/output-" + std::to_string(dev) + "-" + std::to_string(ino);
}

}  // namespace buildjail
