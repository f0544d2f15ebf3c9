#pragma once

#include <string>
#include <string_view>

#include "envelope/part.h"
#include "freebsd/opening.h"
#include "freebsd/parts/root.h"
#include "plan/plan.h"
#include "state/lease.h"

namespace buildjail {

/**
 * The user of a session's build. A user of the plan's pool is leased, so that no other live session of the host has it;
 * a user that the plan names is shared by all sessions that name it. This part is made first and taken away last, so
 * that no other session gets the user while a process, a file or a folder of this session has it.
 */
class UserLease final : public PassingPart {
 public:
  /** All outlive it. `user` becomes the build's. */
  UserLease(const EnvelopePlan& plan, const Lessee& lessee, BuildUser& user)
      : plan_(plan), lessee_(lessee), user_(user) {}
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (!opening.is_rest) parts.push_back(std::make_unique<UserLease>(opening.plan, opening.lessee, opening.jail.user));
  }

  [[nodiscard]] std::string_view step() const override { return "user-lease"; }
  /** EBUSY where all are leased, or where one that the plan names is. */
  Status make(Trace& trace) override;
  Status take_away(TakingAway&) override { return lease_.give_back(); }

 private:
  const EnvelopePlan& plan_;
  const Lessee& lessee_;
  BuildUser& user_;
  NumberedLease lease_;
};

/** /etc/passwd, and the database in which the C library looks users up. They go with the root. */
class Accounts final : public Part {
 public:
  /** All outlive it; `user` is known by the time that it is made. */
  Accounts(const std::string& root, const WriteText& wanted, const BuildUser& user)
      : root_(root), wanted_(wanted), user_(user) {}

  [[nodiscard]] std::string_view step() const override { return "write"; }
  [[nodiscard]] std::string_view target() const override { return wanted_.target; }
  Status make(Trace&) override;

  static constexpr const char* kText = "/etc/passwd";

 private:
  static constexpr const char* kDatabase = "/etc/pwd.db";

  const std::string& root_;
  const WriteText& wanted_;
  const BuildUser& user_;
};

}  // namespace buildjail
