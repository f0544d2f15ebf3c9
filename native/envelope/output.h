#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <utility>

#include "base/unique_fd.h"
#include "envelope/part.h"
#include "envelope/walk.h"
#include "plan/plan.h"
#include "state/lease.h"
#include "state/lent_output.h"

namespace buildjail {

// An output is two parts: a lease, so that no other session has it, and the ownership of the build user. Ownership is
// given of the directory itself, and taken back of all that the build made in it too (state/lent_output.h). Both are
// done by descriptor. So nothing that a build leaves in the directory can redirect that.

/** How an output is lent, and comes back. */
struct LentAs {
  /** Whose it is while it is lent, in the numbering of the host. */
  BuildUser user;
  /** All that are the session's alone; nothing where the user is the only one, and may be others' too. */
  std::optional<BuildIds> ids{};
  /** The directory and what is made in it keep their owner, as in a user namespace there is no other. */
  bool keeps_owner = false;
  /** What is in the directory comes back as the build left it. */
  bool is_left_as_built = false;
  /** The session lets a build put set-id bits, access lists, attributes and flags on files. */
  bool lets_mark = true;
};

/** Others of the host do not get into a lent folder. Of a store, the build removes nothing but what it made. */
// defence: store-sticky-shut
inline constexpr mode_t kStoreMode = S_ISVTX | S_IRWXU | S_IRWXG;

/** The lease of an output: no other session of this host has it. */
class OutputLease final : public Part {
 public:
  /** Both outlive it. */
  OutputLease(const Lessee& lessee, const Bind& bind);

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
  /** As it was at the time of the lease. Empty while it is not leased. */
  [[nodiscard]] const std::optional<LentOutput>& before() const noexcept { return before_; }

 private:
  const Lessee& lessee_;
  const Bind& bind_;
  std::string lease_;
  UniqueFd directory_;
  UniqueFd lock_;
  std::optional<LentOutput> before_;
};

/** A leased output that belongs to the build user. */
class LentDirectory : public Part {
 public:
  /** `lease` outlives it. */
  LentDirectory(const OutputLease& lease, LentAs as) : lease_(lease), as_(std::move(as)) {}

  [[nodiscard]] std::string_view step() const override { return "hand-over"; }
  [[nodiscard]] std::string_view target() const override { return lease_.target(); }
  [[nodiscard]] std::vector<Fact> facts() const override;
  Status make(Trace& trace) override;
  /** It has its owner, mode and marks of before again, and what the build made in it belongs to that owner. */
  Status take_away(TakingAway& taking) override;
  [[nodiscard]] std::string_view place() const override { return lease_.place(); }

 protected:
  [[nodiscard]] const OutputLease& lease() const noexcept { return lease_; }

 private:
  [[nodiscard]] NotedOutput noted() const;
  [[nodiscard]] Status lend_store() const;

  const OutputLease& lease_;
  LentAs as_;
  bool is_lent_ = false;
};

/** The lease of an output that a dead session still has. */
class LeaseLeft final : public Part {
 public:
  LeaseLeft(std::string lease, Holding dead) : lease_(std::move(lease)), dead_(std::move(dead)) {}

  Status make(Trace&) override { return {}; }
  /** After everything that is done in the output. */
  Status take_away(TakingAway& taking) override;
  [[nodiscard]] std::string_view place() const override { return lease_; }

  /**
   * Locked from here on, so that nobody else has the output meanwhile. False where another session has it by now, as
   * the dead one had handed it back before. True, and nothing is locked, where there is no lease any more.
   */
  Result<bool> lock();

 private:
  std::string lease_;
  Holding dead_;
  UniqueFd lock_;
};

/** An output that a dead session still has, as a line of its journal says. */
class OutputLeftLent final : public Part {
 public:
  /** `lease` outlives it. */
  OutputLeftLent(NotedOutput noted, LeaseLeft& lease) : noted_(std::move(noted)), lease_(lease) {}

  Status make(Trace&) override { return {}; }
  /** Marks `hand-back`, or `lost` where the directory is not there any more. */
  Status take_away(TakingAway& taking) override;
  [[nodiscard]] std::string_view place() const override { return lease_.place(); }

 private:
  NotedOutput noted_;
  LeaseLeft& lease_;
};

}  // namespace buildjail
