#include "linux/init_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/unique_fd.h"
#include "linux/init/bytes.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "init-image";
constexpr const char* kName = "buildjail-init";
constexpr mode_t kExecutable = 0555;

#ifndef MFD_EXEC
constexpr unsigned MFD_EXEC = 0x10;
#endif

// A sysctl may want it said that this is to be executed (vm.memfd_noexec); kernels before 6.3 do not know the flag.
int create() {
  const int fd = ::memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  return fd >= 0 || errno != EINVAL ? fd : ::memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

}  // namespace

Result<UniqueFd> make_init_image() {
  const UniqueFd made(create());
  if (!made) return last_error(kStep, "memfd_create");
  const auto bytes = init_bytes();
  if (::write(made.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
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
