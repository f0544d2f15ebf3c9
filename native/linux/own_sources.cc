#include "linux/own_sources.h"

#include <unistd.h>

#include <variant>

#include "linux/id_map.h"
#include "linux/user_space.h"

namespace buildjail {

namespace {

/** Its owner's, and of no use to others. */
bool is_shut(const struct stat& found, uid_t owner) {
  const mode_t needed = S_ISDIR(found.st_mode) ? S_IROTH | S_IXOTH : S_IROTH;
  if (found.st_uid != owner) return false;
  // defence: shut-open-input-stays
  return (found.st_mode & needed) == 0;
}

// The parts of the toolchain are the host's, and have no numbers.
bool may_be(const Bind& bind) { return !bind.is_writable && !bind.is_overlay && (bind.dev != 0 || bind.ino != 0); }

}  // namespace

Result<OwnSources> OwnSources::find(const std::vector<Step>& steps, const BuildUser& outside) {
  const uid_t owner = ::geteuid();
  OwnSources own{.owner = owner};
  bool is_any = false;
  for (const Step& step : steps) {
    const auto* const bind = std::get_if<Bind>(&step);
    if (bind == nullptr || !may_be(*bind)) continue;
    struct stat found{};
    if (::lstat(bind->source.c_str(), &found) != 0) return last_error("pin-source", "lstat", bind->source);
    is_any |= is_shut(found, owner);
  }
  if (!is_any) return own;
  auto space = make_user_space({.uids = {{.inside = owner, .outside = outside.uid, .count = 1}},
                                .gids = {{.inside = ::getegid(), .outside = outside.gid, .count = 1}}});
  if (!space) return std::move(space.error());
  own.space = std::move(*space);
  return own;
}

bool OwnSources::holds(const Bind& bind, const struct stat& found) const noexcept {
  return space && may_be(bind) && is_shut(found, owner);
}

}  // namespace buildjail
