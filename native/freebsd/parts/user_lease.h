#pragma once

#include <string>
#include <utility>
#include <vector>

#include "envelope/part.h"
#include "plan/plan.h"
#include "state/lessee.h"
#include "state/numbered_lease.h"

namespace buildjail {

/**
 * The user of a session's build. One of the plan's pool is leased, so that no other live session of the host has it;
 * one that the plan names is shared by those who name it. It is made first and taken away last: nobody else is this
 * user while a process, a file or a folder of the session is.
 */
class UserLease final : public Part {
 public:
  /** All outlive it. `user` becomes who the build is. */
  UserLease(const EnvelopePlan& plan, const Lessee& lessee, BuildUser& user)
      : plan_(plan), lessee_(lessee), user_(user) {}

  [[nodiscard]] std::string_view step() const override { return "user-lease"; }
  [[nodiscard]] std::vector<Fact> facts() const override {
    return lease_.lock() < 0 ? std::vector<Fact>() : std::vector<Fact>{{kFacts, kLease, lease_.file()}};
  }
  /** EBUSY where all are leased, or where one that the plan names is. */
  Status make(Trace& trace) override;
  Status take_away(TakingAway&) override { return lease_.give_back(); }

  static constexpr const char* kFacts = "user";
  static constexpr const char* kLease = "lease";

 private:
  const EnvelopePlan& plan_;
  const Lessee& lessee_;
  BuildUser& user_;
  NumberedLease lease_;
};

/** Of a dead session, as a line of its journal says. */
class UserLeftLeased final : public Part {
 public:
  UserLeftLeased(std::string file, Holding dead) : file_(std::move(file)), dead_(std::move(dead)) {}
  Status make(Trace&) override { return {}; }
  Status take_away(TakingAway&) override { return give_back_left("user-lease", file_, dead_); }

 private:
  std::string file_;
  Holding dead_;
};

}  // namespace buildjail
