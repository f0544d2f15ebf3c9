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
};

/**
 * EBUSY where the plan of one session lets its build change a source by another: an output lies around a source of the
 * same session, or is an input as well. An output may lie inside an input, which is how a build adds to what it reads.
 */
Status refuse_nested(const std::vector<ShownSource>& own);

/** The list of what a session shows, in the host directory, for other sessions to see. */
class SessionSources {
 public:
  /** `lessee` outlives it. */
  explicit SessionSources(const Lessee& lessee);

  /**
   * Adds sources to the list. EBUSY where an output of this session or of another live one lies inside or around a
   * source of the other; a dead one is recovered first.
   */
  Status add(const std::vector<ShownSource>& added);
  /** Again: nothing to do. */
  Status remove();

  [[nodiscard]] const std::string& file() const noexcept { return file_; }

 private:
  const Lessee& lessee_;
  std::string file_;
};

/** The file of a session's list. */
std::string sources_file_of(const std::string& host_directory, const std::string& id);

}  // namespace buildjail
