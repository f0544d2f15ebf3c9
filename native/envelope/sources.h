#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "envelope/part.h"
#include "plan/plan.h"
#include "state/lease.h"

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

/**
 * What a session shows of the host, noted where other sessions see it. It is made after the leases of the outputs,
 * which tell of one folder by two names, and before anything is handed over.
 */
class NotedSources final : public Part {
 public:
  /**
   * Fills in where sources are whose path leads through a mount of another folder, and what is mounted in outputs. Each
   * system has its own.
   */
  using LookAtMounts = std::function<Status(std::vector<ShownSource>&)>;

  /** `sources` outlives it. `earlier` are those of the session that are noted already, `added` the others. */
  NotedSources(SessionSources& sources, const std::vector<const Bind*>& earlier, const std::vector<const Bind*>& added,
               LookAtMounts look_at_mounts)
      : sources_(sources), earlier_(shown(earlier)), added_(shown(added)), look_at_mounts_(std::move(look_at_mounts)) {}

  [[nodiscard]] std::string_view step() const override { return "nested-sources"; }
  Status make(Trace&) override {
    for (auto* const list : {&earlier_, &added_}) {
      if (auto status = look_at_mounts_(*list); !status) return status;
    }
    std::vector<ShownSource> all = earlier_;
    all.insert(all.end(), added_.begin(), added_.end());
    if (auto status = refuse_nested(all); !status) return status;
    // defence: no-output-something-host
    if (auto status = refuse_mounts_in_outputs(added_); !status) return status;
    is_made_ = true;
    return sources_.add(added_);
  }
  Status take_away(TakingAway&) override { return is_made_ ? sources_.remove() : Status(); }
  [[nodiscard]] std::string_view place() const override { return sources_.file(); }

 private:
  static std::vector<ShownSource> shown(const std::vector<const Bind*>& binds) {
    std::vector<ShownSource> sources;
    sources.reserve(binds.size());
    for (const Bind* const bind : binds) {
      // The plan knows only the toolchain of the host by its path alone.
      const bool is_toolchain = bind->dev == 0 && bind->ino == 0;
      const auto kind = bind->is_writable ? ShownSource::Kind::kOutput
                        : is_toolchain    ? ShownSource::Kind::kToolchain
                                          : ShownSource::Kind::kInput;
      sources.push_back({.kind = kind, .path = bind->source, .origin = bind->source});
    }
    return sources;
  }

  SessionSources& sources_;
  std::vector<ShownSource> earlier_;
  std::vector<ShownSource> added_;
  LookAtMounts look_at_mounts_;
  bool is_made_ = false;
};

/** The list that a dead session left. */
class SourcesLeftNoted final : public Part {
 public:
  explicit SourcesLeftNoted(Lessee dead) : dead_(std::move(dead)), sources_(dead_) {}
  Status make(Trace&) override { return {}; }
  Status take_away(TakingAway&) override { return sources_.remove(); }
  [[nodiscard]] std::string_view place() const override { return sources_.file(); }

 private:
  Lessee dead_;
  SessionSources sources_;
};

}  // namespace buildjail
