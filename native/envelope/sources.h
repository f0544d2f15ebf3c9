#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "envelope/part.h"
#include "plan/plan.h"
#include "state/lease.h"

namespace buildjail {

/** A folder or file of the host that a session shows. */
struct ShownSource {
  enum class Kind : char { kOutput = 'w', kInput = 'r', kToolchain = 't' };
  Kind kind;
  std::string path;
  /** Its path on the original file system, if `path` leads through a mount of another folder; else `path`. */
  std::string origin;
  /** For an output in which the host has something mounted: the path of that mount. */
  std::string mounted = {};
  /** Paths below it in whose place the session shows something else, so that they are no part of it. */
  std::vector<std::string> covered = {};
};

/**
 * The list of a session's sources, in the host directory where other sessions read it. It is made after the leases of
 * the outputs, which find out that two paths lead to one folder, and before anything is handed over.
 */
class SourceList final : public Part {
 public:
  /** Fills in `origin` and `mounted` of sources, from the system's table of mounts. */
  using LookAtMounts = std::function<Status(std::vector<ShownSource>&)>;

  /** `lessee` outlives it. `earlier` are the sources of the session that are listed already, `added` the new ones. */
  SourceList(const Lessee& lessee, const std::vector<const Bind*>& earlier, const std::vector<const Bind*>& added,
             const Nesting& nesting, LookAtMounts look_at_mounts);
  /** Of a dead session. */
  SourceList(const std::string& host_directory, const std::string& id);
  static void add_planned(const Opening& opening, Parts& parts);
  static Status add_left(const DeadSession& dead, Parts& parts);

  [[nodiscard]] std::string_view step() const override { return "nested-sources"; }
  /**
   * EBUSY if the build could change a source through another: an output of this session, or of another live one, lies
   * inside or around a source of the other, and is shown there. A dead session with such an output is recovered first.
   * In one session an output may lie inside an input, which is how a build adds to its input. ENOTSUP if the host has a
   * mount in an output. EPERM if a source would show the directory of leases.
   */
  Status make(Trace& trace) override;
  Status take_away(TakingAway& taking) override;
  [[nodiscard]] std::string_view place() const override { return file_; }

 private:
  [[nodiscard]] Status add_to_list() const;

  std::string file_;
  const Lessee* lessee_ = nullptr;
  std::vector<ShownSource> earlier_;
  std::vector<ShownSource> added_;
  LookAtMounts look_at_mounts_;
  bool is_listed_ = false;
};

}  // namespace buildjail
