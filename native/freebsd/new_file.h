#pragma once

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/** A file that everybody may read, with that in it. */
inline Status write_new_file(const std::string& path, std::string_view content) {
  constexpr mode_t kMode = 0644;
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
  if (!file) return last_error({}, "open", path);
  // The umask is the host program's, and not ours to change.
  if (::fchmod(file.get(), kMode) != 0) return last_error({}, "fchmod", path);
  const ssize_t written = ::write(file.get(), content.data(), content.size());
  if (written == static_cast<ssize_t>(content.size())) return {};
  // A part of it, where memory is short.
  if (written >= 0) errno = ENOSPC;
  return last_error({}, "write", path);
}

}  // namespace buildjail
