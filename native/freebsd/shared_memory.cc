#include "freebsd/shared_memory.h"

#include <sys/types.h>
#include <sys/mman.h>
#include <sys/user.h>

#include <span>
#include <string_view>

#include "freebsd/sysctl_records.h"

namespace buildjail {

void remove_shared_memory(const std::string& root) {
  const auto answer = read_sysctl("kern.ipc.posix_shm_list");
  if (!answer) return;
  const std::string below = root + "/";
  for (const auto& object : records_of<kinfo_file, int>(std::span<const std::byte>(*answer))) {
    if (std::string_view(object.kf_path).starts_with(below)) static_cast<void>(::shm_unlink(object.kf_path));
  }
}

}  // namespace buildjail
