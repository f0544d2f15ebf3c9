#include "base/result.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/text.h"

namespace buildjail {

namespace {

struct ErrnoName {
  int err;
  const char* name;
};

// Errno numbers differ between systems, so the names come from this system's macros.
constexpr auto kErrnoNames = std::to_array<ErrnoName>({
#define BUILDJAIL_ERRNO(name) {name, #name}
    BUILDJAIL_ERRNO(EPERM),        BUILDJAIL_ERRNO(ENOENT),       BUILDJAIL_ERRNO(ESRCH),
    BUILDJAIL_ERRNO(EINTR),        BUILDJAIL_ERRNO(EIO),          BUILDJAIL_ERRNO(ENXIO),
    BUILDJAIL_ERRNO(E2BIG),        BUILDJAIL_ERRNO(ENOEXEC),      BUILDJAIL_ERRNO(EBADF),
    BUILDJAIL_ERRNO(ECHILD),       BUILDJAIL_ERRNO(EDEADLK),      BUILDJAIL_ERRNO(ENOMEM),
    BUILDJAIL_ERRNO(EACCES),       BUILDJAIL_ERRNO(EFAULT),       BUILDJAIL_ERRNO(EBUSY),
    BUILDJAIL_ERRNO(EEXIST),       BUILDJAIL_ERRNO(EXDEV),        BUILDJAIL_ERRNO(ENODEV),
    BUILDJAIL_ERRNO(ENOTDIR),      BUILDJAIL_ERRNO(EISDIR),       BUILDJAIL_ERRNO(EINVAL),
    BUILDJAIL_ERRNO(ENFILE),       BUILDJAIL_ERRNO(EMFILE),       BUILDJAIL_ERRNO(ENOTTY),
    BUILDJAIL_ERRNO(ETXTBSY),      BUILDJAIL_ERRNO(EFBIG),        BUILDJAIL_ERRNO(ENOSPC),
    BUILDJAIL_ERRNO(ESPIPE),       BUILDJAIL_ERRNO(EROFS),        BUILDJAIL_ERRNO(EMLINK),
    BUILDJAIL_ERRNO(EPIPE),        BUILDJAIL_ERRNO(EDOM),         BUILDJAIL_ERRNO(ERANGE),
    BUILDJAIL_ERRNO(EAGAIN),       BUILDJAIL_ERRNO(ENAMETOOLONG), BUILDJAIL_ERRNO(ENOTEMPTY),
    BUILDJAIL_ERRNO(ELOOP),        BUILDJAIL_ERRNO(EUSERS),       BUILDJAIL_ERRNO(EDQUOT),
    BUILDJAIL_ERRNO(ESTALE),       BUILDJAIL_ERRNO(EOPNOTSUPP),   BUILDJAIL_ERRNO(EPROTONOSUPPORT),
    BUILDJAIL_ERRNO(EAFNOSUPPORT), BUILDJAIL_ERRNO(EADDRINUSE),   BUILDJAIL_ERRNO(EADDRNOTAVAIL),
    BUILDJAIL_ERRNO(ETIMEDOUT),    BUILDJAIL_ERRNO(EALREADY),     BUILDJAIL_ERRNO(ECANCELED),
    BUILDJAIL_ERRNO(EOVERFLOW),    BUILDJAIL_ERRNO(ENOSYS),       BUILDJAIL_ERRNO(EILSEQ),
    BUILDJAIL_ERRNO(EPROTO),
#ifdef ENOTCAPABLE
    BUILDJAIL_ERRNO(ENOTCAPABLE),  BUILDJAIL_ERRNO(ECAPMODE),     BUILDJAIL_ERRNO(EDOOFUS),
    BUILDJAIL_ERRNO(EPROCLIM),     BUILDJAIL_ERRNO(EINTEGRITY),
#endif
#undef BUILDJAIL_ERRNO
});

/** Programs get the whole list. */
constexpr std::size_t kMostNamed = 5;

std::string name_of(const Holder& holder) {
  std::string text = holder.pid == 0 ? "" : "pid " + std::to_string(holder.pid) + " (" + holder.command + "): ";
  std::string kind = holder.kind;
  std::ranges::replace(kind, '-', ' ');
  text += kind;
  if (!holder.call.empty()) text += " in " + holder.call + "(2)";
  return holder.path.empty() ? text : text + " " + holder.path;
}

}  // namespace

SysError last_error(std::string step, std::string syscall, std::string path) {
  const int err = errno;
  return {.step = std::move(step), .syscall = std::move(syscall), .err = err, .path = std::move(path)};
}

std::string errno_name(int err) {
  const auto* found = std::ranges::find(kErrnoNames, err, &ErrnoName::err);
  return found == kErrnoNames.end() ? "E" + std::to_string(err) : found->name;
}

std::string errno_text(int err) { return std::generic_category().message(err); }

std::string held_by(const std::vector<Holder>& holders) {
  std::vector<std::string> names;
  names.reserve(holders.size());
  for (const Holder& holder : holders) names.push_back(name_of(holder));
  return names.empty() ? "" : "held by " + first_of(names, kMostNamed);
}

}  // namespace buildjail
