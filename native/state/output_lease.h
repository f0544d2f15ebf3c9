#pragma once

#include <functional>
#include <optional>
#include <string>

#include "state/lent_output.h"
#include "plan/plan.h"
#include "state/recovery.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/** The name of an output's lease in the state directory: two names of one directory meet in it. */
std::string lease_name(std::uint64_t dev, std::uint64_t ino);

/** What those names begin with. */
inline constexpr const char* kLeasePrefix = "writable-";

/**
 * A writable source for the time of a session: no other session of this host has it, and the build user owns it. Both
 * end when this goes. Ownership is given and taken back by descriptor, and of the directory itself only, so nothing
 * that a build leaves in it can redirect that.
 *
 * Its file says whose it is and is locked while that session lives, by a descriptor that may be shared with whoever
 * outlives this process to hand the output back. One that is not locked, but there, is of a session that is dead: that
 * one is recovered first, as its output is still lent.
 */
class OutputLease {
 public:
  /** `id` is the session's, `directory` the source, opened for reading. EBUSY when another live session writes there.
   */
  static Result<OutputLease> take(const std::string& state_directory, const std::string& id, const Bind& bind,
                                  UniqueFd directory, const Recovery& recovery);
  OutputLease(OutputLease&&) noexcept = default;
  OutputLease& operator=(OutputLease&&) noexcept = delete;
  OutputLease(const OutputLease&) = delete;
  OutputLease& operator=(const OutputLease&) = delete;
  ~OutputLease();

  /** From here on `hand_back` brings back its owner and mode of now, which are what this returns. */
  Result<LentOutput> remember();
  /** After `remember`: makes the user its owner where that is needed for writing to it. */
  Status hand_over(const BuildUser& user);
  Status hand_back();
  /** Hands back, and lets others write there. Again: what of that is left to do. */
  Status end();
  /** What is lent stays lent, for a recovery to hand it back. */
  void release() noexcept;

  /** The lock's descriptor. */
  [[nodiscard]] int lock() const noexcept { return lock_.get(); }

 private:
  OutputLease(UniqueFd directory, UniqueFd lock, std::string lock_path, std::string source)
      : directory_(std::move(directory)),
        lock_(std::move(lock)),
        lock_path_(std::move(lock_path)),
        source_(std::move(source)) {}

  UniqueFd directory_;
  UniqueFd lock_;
  std::string lock_path_;
  std::string source_;
  std::optional<LentOutput> before_;
};

}  // namespace buildjail
