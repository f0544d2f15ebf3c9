#include "linux/upper_layer.h"

#include <sys/types.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>

namespace buildjail {

namespace {

/** The value of an attribute. Empty with errno set. */
std::optional<std::string> value_of(const char* path, const std::string& name) {
  std::string value(256, '\0');
  const ssize_t size = ::getxattr(path, name.c_str(), value.data(), value.size());
  if (size < 0) return std::nullopt;
  value.resize(static_cast<std::size_t>(size));
  return value;
}

/** The handle of a folder: its type, and what follows. */
std::optional<std::string> handle_of(int fd) {
  alignas(struct file_handle) std::array<char, sizeof(struct file_handle) + MAX_HANDLE_SZ> room{};
  auto* const handle = reinterpret_cast<struct file_handle*>(room.data());  // NOLINT: it has its bytes behind it
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  if (::name_to_handle_at(fd, "", handle, &mount, AT_EMPTY_PATH) != 0) return std::nullopt;
  return static_cast<char>(handle->handle_type) +
         std::string(room.data() + sizeof(struct file_handle), handle->handle_bytes);
}

}  // namespace

bool is_whiteout(int fd, const FileState& file) {
  struct stat found{};
  return S_ISCHR(file.mode) && ::fstat(fd, &found) == 0 && found.st_rdev == ::makedev(0, 0);
}

Result<bool> is_opaque(const char* step, const std::string& path, const std::string& marks) {
  const auto value = value_of(path.c_str(), marks + "opaque");
  if (!value && errno != ENODATA) return last_error(step, "getxattr", path);
  return value == "y";
}

bool is_of_lower(int upper, const std::string& marks) {
  return value_of(DescriptorPath(upper).get(), marks + "origin").has_value();
}

bool is_of_another(int upper, int lower, const std::string& marks) {
  // Version, magic, size and flags, a byte each; the type of the handle; the number of the file system; the handle
  // (Linux, fs/overlayfs/overlayfs.h, struct ovl_fb).
  constexpr std::size_t kType = 4;
  constexpr std::size_t kHandle = 21;
  const auto origin = value_of(DescriptorPath(upper).get(), marks + "origin");
  if (!origin || origin->size() <= kHandle) return false;
  const auto handle = handle_of(lower);
  return handle && *handle != (*origin)[kType] + origin->substr(kHandle);
}

}  // namespace buildjail
