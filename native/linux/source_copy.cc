#include "linux/source_copy.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>

#include "linux/overlay_errors.h"
#include "linux/raw_calls.h"
#include "plan/planned_source.h"

namespace buildjail {

namespace {

constexpr int kPinned = O_PATH | O_NOFOLLOW | O_CLOEXEC;

/** `pinned` is open, so that what is looked at is what gets mounted, whatever its name means by then. */
UniqueFd copy_pinned(const UniqueFd& pinned, const Bind& bind, const SourceOwners& owners, Stopped& stopped) {
  const char* source = bind.source.c_str();
  const auto stop = [&](const char* step, const char* syscall, const char* dest = "", const char* detail = "") {
    stopped = {.step = step, .syscall = syscall, .err = errno, .path = source, .dest = dest, .detail = detail};
    return UniqueFd();
  };
  struct stat found{};
  if (!pinned) return stop("pin-source", "open");
  if (::fstat(pinned.get(), &found) != 0) return stop("pin-source", "fstat");
  if (!is_planned(bind, found)) {
    errno = ESTALE;
    return stop("pin-source", "fstat", "", kStaleSource);
  }
  if (bind.is_overlay && !owners.overlays.knows(found)) {
    errno = ESTALE;
    return stop("pin-source", "fstat", "", "the source belongs to another user than when the session began to open");
  }
  // What is mounted below an input is part of it, and read-only with it. Below an output it would be writable without
  // having been declared, so it is left out. In an overlay there is nothing of it (overlay_errors.h).
  // defence: source-mounted-descriptor-looked
  UniqueFd copy = copy_of(pinned, bind.is_writable || bind.is_overlay || !S_ISDIR(found.st_mode) ? 0 : raw::kRecursive);
  if (!copy) {
    // Mounts from a more privileged namespace are had as a whole or not at all (mount_namespaces(7)).
    const bool has_locked = (bind.is_writable || bind.is_overlay) && errno == EINVAL;
    return stop("mount", "open_tree", bind.target.c_str(),
                has_locked ? "something is mounted below it, which without root cannot be left out" : "");
  }
  // Private, as a copy of what is shared gets what the host mounts there from then on (mount_namespaces(7)).
  // defence: binds-nosuid
  // defence: inputs-read-only
  raw::MountAttributes attributes{.set = raw::kNoSuid | raw::kNoDev | (bind.is_writable ? 0 : raw::kReadOnly),
                                  // defence: mounted-later-stays-outside
                                  .propagation = MS_PRIVATE};
  const bool is_own = !bind.is_overlay && owners.own.holds(bind, found);
  const int space = bind.is_overlay ? owners.overlays.space_for(found) : is_own ? owners.own.space.get() : -1;
  if (space >= 0) {
    attributes.set |= raw::kIdMapped;
    attributes.userns_fd = static_cast<std::uint64_t>(space);
  }
  // defence: mounted-below-input-read
  const auto is_set = [&] { return raw::mount_setattr(copy.get(), raw::kRecursive, attributes) == 0; };
  if (is_set()) return copy;
  if (bind.is_overlay) return stop(kOverlay, "mount_setattr", bind.target.c_str());
  // Not every file system can, nor what is mapped already; then the build user may find it shut.
  attributes.set &= ~raw::kIdMapped;
  if (is_own && is_set()) return copy;
  return stop("mount", "mount_setattr", bind.target.c_str());
}

}  // namespace

UniqueFd copy_of(const UniqueFd& source, unsigned recursive) {
  return UniqueFd(
      raw::open_tree(source.get(), "", raw::kTreeClone | raw::kTreeCloseOnExec | raw::kEmptyPath | recursive));
}

UniqueFd copy_source(const Bind& bind, const SourceOwners& owners, Stopped& stopped) {
  return copy_pinned(UniqueFd(::open(bind.source.c_str(), kPinned)), bind, owners, stopped);
}

UniqueFd copy_folder(const char* folder) {
  return UniqueFd(raw::open_tree(AT_FDCWD, folder, raw::kTreeClone | raw::kTreeCloseOnExec | raw::kRecursive));
}

UniqueFd copy_source_in(int folder, const Bind& bind, const SourceOwners& owners) {
  const char* name = bind.source.c_str() + bind.source.rfind('/') + 1;
  const UniqueFd pinned(::openat(folder, name, kPinned));
  Stopped unsaid;
  return pinned ? copy_pinned(pinned, bind, owners, unsaid) : UniqueFd();
}

}  // namespace buildjail
