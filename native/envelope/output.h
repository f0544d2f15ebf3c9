#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "envelope/part.h"
#include "plan/plan.h"
#include "state/lease.h"
#include "state/lent_fact.h"
#include "state/lent_output.h"
#include "state/set_group_id_folders.h"

namespace buildjail {

// An output is two parts: a lease, so that no other session has it, and the hand-over to the build user. Only the
// directory itself is handed over, with what the owner had in it; everything that the build made in it comes back too
// (state/lent_output.h). On a mapped mount nothing is handed over: the directory is shut to others and opened again.
// Both are done by descriptor, so nothing that a build leaves in the directory can redirect that.

/** How the outputs of a session are lent, and come back. */
struct LentAs {
  /** The owner of an output while it is lent, by the ids of the host. */
  BuildUser user;
  /** The ids that only this session has. Without them the user's is the only one, and others may have it too. */
  std::optional<BuildIds> ids{};
  /** The directory and what is made in it keep their owner, because the user namespace has no other. */
  bool keeps_owner = false;
  /** The content of the directory comes back as the build left it. */
  bool is_left_as_built = false;
  /** The session lets a build put set-id bits, access lists, attributes and flags on files. */
  bool lets_mark = true;
  /** Linux: the folders of the session that got the set-group-ID bit; null where none can. */
  const SetGroupIdFolders* set_group_id = nullptr;
};

/** Other users of the host cannot enter a lent folder. In a store, the build can remove only what it made. */
// defence: store-sticky-shut
inline constexpr mode_t kStoreMode = S_ISVTX | S_IRWXU | S_IRWXG;

/** The lease of an output: no other session of this host has it. */
class OutputLease final : public Part {
 public:
  /** Both outlive it. */
  OutputLease(const Lessee& lessee, const Bind& bind);
  /** Of a dead session; `file` is the file of the lease. */
  OutputLease(std::string file, LeaseHolder dead) : file_(std::move(file)), holder_(std::move(dead)) {}
  static void add_planned(Opening& opening, Parts& parts);
  static Status add_left(DeadSession& dead, Parts& parts);

  [[nodiscard]] std::string_view step() const override { return "output-lease"; }
  [[nodiscard]] std::string_view target() const override {
    return bind_ == nullptr ? std::string_view() : bind_->target;
  }
  /** EBUSY when another live session writes there; a dead one that did is recovered first. */
  Status make(Trace& trace) override;
  /** Adds to the lease how the output is lent, which a recovery compares with the journal. */
  Status note(const Fact& lent) const;
  /** Removes the lease if it is locked. */
  Status take_away(TakingAway& taking) override;
  [[nodiscard]] std::string_view place() const override { return file_; }

  /** Null in a dead session. */
  [[nodiscard]] const Bind* bind() const noexcept { return bind_; }
  /** The output, open since before it was leased; -1 while it is not made. */
  [[nodiscard]] int directory() const noexcept { return directory_.get(); }
  [[nodiscard]] int lock() const noexcept { return lock_.get(); }
  /** Its state at the time of the lease. Empty while it is not leased. */
  [[nodiscard]] const std::optional<LentOutput>& before() const noexcept { return before_; }
  /** Its mount shows the owner's files as the build's, and the build's as the owner's: it needs no hand-over. */
  [[nodiscard]] bool is_mapped() const noexcept { return is_mapped_; }
  void lend_mapped() noexcept { is_mapped_ = true; }

  /**
   * Locks the lease of a dead session, so that no other session gets the output meanwhile. False if it is not that
   * session's: the dead one had handed the output back, or never had it.
   */
  Result<bool> take_over();
  enum class Word : std::uint8_t { kSame, kOther, kOfAnotherSession };
  /** Of a dead session: what the lease says of how the output is lent. */
  [[nodiscard]] Word word_on(const Fact& lent) const;

 private:
  std::string file_;
  LeaseHolder holder_;
  const Lessee* lessee_ = nullptr;
  const Bind* bind_ = nullptr;
  UniqueFd directory_;
  UniqueFd lock_;
  std::optional<LentOutput> before_;
  bool is_mapped_ = false;
};

/** An output that a journal calls lent, and no lease of that session. It is left alone, with its journal. */
class DoubtedOutput final : public Part {
 public:
  DoubtedOutput(std::string journal, std::string path) : journal_(std::move(journal)), path_(std::move(path)) {}

  Status take_away(TakingAway&) override {
    return SysError{.step = "hand-back",
                    .syscall = "open",
                    .err = EPERM,
                    .path = path_,
                    .detail =
                        "the journal calls it lent, and no lease of that session says the same: if it was, give "
                        "it back to its owner, and remove the journal"};
  }
  /** It has no other place, so only the journal stays because of it. */
  [[nodiscard]] std::string_view place() const override { return journal_; }

 private:
  std::string journal_;
  std::string path_;
};

/** A leased output that only the build user can enter. */
class LentDirectory final : public Part {
 public:
  /** `lease` outlives it. `as` is called once the lease is made. */
  LentDirectory(OutputLease& lease, std::function<LentAs()> as) : lease_(lease), as_(std::move(as)) {}
  /** Of a dead session. */
  LentDirectory(OutputLease& lease, NotedOutput noted) : lease_(lease), lent_(std::move(noted)) {}
  static constexpr std::string_view kFacts = kLentOutput;
  static void add_planned(const Opening& opening, Parts& parts);
  static Status add_left(const DeadSession& dead, Parts& parts);

  [[nodiscard]] std::string_view step() const override { return "hand-over"; }
  [[nodiscard]] std::string_view target() const override { return lease_.target(); }
  [[nodiscard]] std::vector<Fact> facts() const override;
  Status make(Trace& trace) override;
  /** Restores its owner, mode and marks, and gives the build's files in it to that owner. */
  Status take_away(TakingAway& taking) override;
  [[nodiscard]] std::string_view place() const override { return lease_.place(); }

 private:
  [[nodiscard]] NotedOutput lending(const LentAs& as) const;
  Result<HandBack> hand_back(std::vector<LeftInOutput>& left);

  OutputLease& lease_;
  std::function<LentAs()> as_;
  /** Empty while it is not lent. */
  std::optional<NotedOutput> lent_;
};

}  // namespace buildjail
