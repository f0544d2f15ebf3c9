#include "linux/init_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>

#include "linux/above_stdio.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "init-image";
constexpr const char* kName = "buildjail-init";
constexpr mode_t kExecutable = 0555;

constexpr auto kImage = std::to_array<std::uint8_t>({
#include "buildjail-init.inc"
});

#ifndef MFD_EXEC
constexpr unsigned MFD_EXEC = 0x10;
#endif

// Asked for to be executable, which a sysctl may want said (vm.memfd_noexec, Linux 6.3); older kernels do not know the
// flag.
int create() {
  const int fd = ::memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  return fd >= 0 || errno != EINVAL ? fd : ::memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

}  // namespace

Result<UniqueFd> make_init_image() {
  const UniqueFd made(create());
  if (!made) return last_error(kStep, "memfd_create");
  if (::write(made.get(), kImage.data(), kImage.size()) != static_cast<ssize_t>(kImage.size()))
    return last_error(kStep, "write");
  if (::fchmod(made.get(), kExecutable) != 0) return last_error(kStep, "fchmod");
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fcntl(made.get(), F_ADD_SEALS, kSeals) != 0) return last_error(kStep, "fcntl");
  // Opened again, as nothing is executed that somebody has open for writing (execve(2), ETXTBSY).
  const std::string path = "/proc/self/fd/" + std::to_string(made.get());
  UniqueFd image = above_stdio(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  if (!image) return last_error(kStep, "open", path);
  return image;
}

}  // namespace buildjail
