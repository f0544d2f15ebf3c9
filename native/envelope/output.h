#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/unique_fd.h"
#include "envelope/part.h"
#include "envelope/walk.h"
#include "plan/plan.h"
#include "state/lent_output.h"
#include "state/recovery.h"

namespace buildjail {

// An output is two parts: it is nobody else's for the time of the session, and then the build user owns it. Ownership is
// given and taken back by descriptor, and of the directory itself only, so nothing that a build leaves in it can
// redirect that.

/** The lease of an output: no other session of this host has it. */
class OutputLease final : public Part {
 public:
  /** `bind` outlives it; `id` is the session's. */
  OutputLease(const std::string& state_directory, std::string id, const Bind& bind, Recovery recovery);

  [[nodiscard]] std::string_view step() const override { return "output-lease"; }
  [[nodiscard]] std::string_view target() const override { return bind_.target; }
  /** EBUSY when another live session writes there; a dead one that did is recovered first. */
  Status make(Trace& trace) override;
  Status take_away(TakingAway& taking) override;
  [[nodiscard]] std::string_view place() const override { return lease_; }

  [[nodiscard]] const Bind& bind() const noexcept { return bind_; }
  /** The output, open since before it was leased; -1 while it is not made. */
  [[nodiscard]] int directory() const noexcept { return directory_.get(); }
  [[nodiscard]] int lock() const noexcept { return lock_.get(); }
  /** What it was when it was leased; nothing while it is not. */
  [[nodiscard]] const std::optional<LentOutput>& before() const noexcept { return before_; }

 private:
  const Bind& bind_;
  std::string id_;
  std::string lease_;
  Recovery recovery_;
  UniqueFd directory_;
  UniqueFd lock_;
  std::optional<LentOutput> before_;
};

/** A leased output that belongs to the build user. */
class LentDirectory : public Part {
 public:
  /**
   * `lease` outlives it. `user` is the build user in the numbering of the host. `keeps_owner` where there is no other to
   * be had for it.
   */
  LentDirectory(const OutputLease& lease, BuildUser user, bool keeps_owner = false)
      : lease_(lease), user_(std::move(user)), keeps_owner_(keeps_owner) {}

  [[nodiscard]] std::string_view step() const override { return "hand-over"; }
  [[nodiscard]] std::string_view target() const override { return lease_.target(); }
  [[nodiscard]] std::vector<Fact> facts() const override;
  Status make(Trace& trace) override;
  /** It has its owner and mode of before again. */
  Status take_away(TakingAway& taking) override;
  [[nodiscard]] std::string_view place() const override { return lease_.place(); }

 protected:
  [[nodiscard]] const OutputLease& lease() const noexcept { return lease_; }

 private:
  const OutputLease& lease_;
  BuildUser user_;
  bool keeps_owner_;
  bool is_lent_ = false;
};

/** An output that is still lent to a dead session, by its line in the journal. */
class OutputLeftLent final : public Part {
 public:
  OutputLeftLent(NotedOutput noted, const std::string& state_directory, std::string id);

  Status make(Trace&) override { return {}; }
  /** Marks `hand-back`, or `lost` where it is not there any more. */
  Status take_away(TakingAway& taking) override;
  [[nodiscard]] std::string_view place() const override { return lease_; }

 private:
  NotedOutput noted_;
  std::string lease_;
  std::string id_;
};

}  // namespace buildjail
