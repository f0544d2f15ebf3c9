#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "state/lessee.h"

namespace buildjail {

/** What a session shows of the host. */
struct ShownSource {
  enum class Kind : char { kOutput = 'w', kInput = 'r', kToolchain = 't' };
  Kind kind;
  std::string path;
  /** Where the same is that lies at `path`, if that is within a mount that shows a folder of another. Else `path`. */
  std::string origin;
  /** Of an output: where the host has something mounted in it. Empty: nowhere. */
  std::string mounted = {};
};

/**
 * EBUSY where the plan of one session lets its build change a source by another: an output lies around a source of the
 * same session, or is an input as well. An output may lie inside an input, which is how a build adds to what it reads.
 */
Status refuse_nested(const std::vector<ShownSource>& own);

/**
 * ENOTSUP where the host has something mounted in an output. The session's own mount of the output does not show it:
 * what the build writes there would lie hidden below it. And on Linux a folder is no mount point for who has nothing
 * mounted on it: the build could rename it and remove it, with which the host's mount is gone (umount(2), rename(2)).
 */
Status refuse_mounts_in_outputs(const std::vector<ShownSource>& own);

/** The list of what a session shows, in the host directory, for other sessions to see. */
class SessionSources {
 public:
  /** `lessee` outlives it. */
  explicit SessionSources(const Lessee& lessee);

  /**
   * Adds sources to the list. EBUSY where an output of this session or of another live one lies inside or around a
   * source of the other; a dead one is recovered first. EPERM where a source would show the leases of all sessions.
   */
  Status add(const std::vector<ShownSource>& added);
  /** Again: nothing to do. */
  Status remove();

  [[nodiscard]] const std::string& file() const noexcept { return file_; }

 private:
  [[nodiscard]] Status refuse_leases(const std::vector<ShownSource>& shown) const;

  const Lessee& lessee_;
  std::string file_;
};

/** The file of a session's list. */
std::string sources_file_of(const std::string& host_directory, const std::string& id);

}  // namespace buildjail
