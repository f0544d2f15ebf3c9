#pragma once

#include <sys/param.h>
#include <sys/cpuset.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "envelope/part.h"
#include "freebsd/limits.h"
#include "freebsd/opening.h"
#include "freebsd/parts/jail.h"
#include "freebsd/session_jail.h"

namespace buildjail {

/** The rules of rctl(8) on the jail of a session. They are made before the jail, and removed after it. */
class Rules final : public Part {
 public:
  /** `jail` is its name. The rules of a dead session are there already. */
  explicit Rules(std::string jail, std::vector<std::string> rules = {})
      : jail_(std::move(jail)), rules_(std::move(rules)) {}
  static constexpr std::string_view kFacts = "rctl";
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (opening.is_rest || (opening.limits.rules.empty() && opening.limits.throttle.empty())) return;
    parts.push_back(std::make_unique<Rules>(opening.jail_name, opening.limits.rules));
  }
  /** Of the session's own jail alone: rules that name no jail are those of the whole host (rctl(8)). */
  static Status add_left(const DeadJailSession& dead, Parts& parts) {
    for (const Fact& fact : dead.entry.facts) {
      if (fact.part != kFacts) continue;
      // defence: limits-journal-takes-away
      if (fact.value.empty() || fact.value != dead.entry.fact(JailPart::kFacts, JailPart::kName))
        return not_noted_by_us("it has rules on a jail that is not the session's own");
      // Without the list no rules were made, or another session has them.
      // defence: recovery-own-rules
      if (!dead.is_listed()) continue;
      parts.push_back(std::make_unique<Rules>(fact.value));
    }
    return {};
  }

  [[nodiscard]] std::string_view step() const override { return "rctl"; }
  [[nodiscard]] std::string_view target() const override { return jail_; }
  [[nodiscard]] std::vector<Fact> facts() const override { return {{std::string(kFacts), "jail", jail_}}; }

  Status make(Trace&) override {
    for (const std::string& rule : rules_) {
      if (auto status = add_rule(jail_, rule); !status) return status;
    }
    return {};
  }
  Status take_away(TakingAway&) override {
    // defence: limits-rules-go-session
    return remove_rules(jail_);
  }

 private:
  std::string jail_;
  std::vector<std::string> rules_;
};

/** Some of the processors: neighbours, because they share most. The first is random, so that sessions spread. */
inline cpuset_t some_of(const cpuset_t& all, std::uint64_t most, const std::string& id) {
  std::vector<std::size_t> there;
  for (std::size_t one = 0; one < CPU_SETSIZE; ++one) {
    if (CPU_ISSET(one, &all)) there.push_back(one);
  }
  cpuset_t some{};
  const std::size_t first = std::hash<std::string>{}(id);
  const std::size_t count = std::min<std::uint64_t>(most, there.size());
  for (std::size_t at = 0; at < count; ++at) CPU_SET(there.at((first % there.size() + at) % there.size()), &some);
  return some;
}

/**
 * The processors that the jail may use (cpuset(2)). Its processes see no others, and root of it cannot have more
 * (cpuset_modify). They go with the jail. The host may have fewer.
 */
struct Processors : Part {
  static void add_planned(const JailOpening& opening, Parts& parts) {
    auto make = [&jail = opening.jail, &id = opening.lessee.session.id, most = opening.limits.processors]() -> Status {
      const auto all = processors_of(jail.jail->jid());
      return all ? set_processors_of(jail.jail->jid(), some_of(*all, most, id)) : all.error();
    };
    // defence: limits-session-many-processors
    if (!opening.is_rest && opening.limits.processors > 0)
      parts.push_back(std::make_unique<Act>("cpuset", "", std::move(make)));
  }
};

/**
 * The rule that throttles processes when all together have had more processor time than they may. It goes before the
 * jail, because a throttled process does not end until it has paid back (racctd). A recovery removes it with the other
 * rules of the jail.
 */
struct Throttle : Part {
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (opening.is_rest || opening.limits.throttle.empty()) return;
    const std::string& jail = opening.jail_name;
    auto make = [&jail, &rule = opening.limits.throttle] { return add_rule(jail, rule); };
    auto take_away = [&jail](TakingAway&) { return remove_rules(jail, kThrottled); };
    parts.push_back(std::make_unique<Act>("rctl", jail, std::move(make), std::move(take_away)));
  }
};

}  // namespace buildjail
