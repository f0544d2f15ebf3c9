#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "envelope/part.h"
#include "envelope/part_list.h"
#include "freebsd/jails.h"
#include "freebsd/limits.h"
#include "freebsd/mounts.h"
#include "freebsd/networks.h"
#include "freebsd/session_jail.h"
#include "network/network_thread.h"

namespace buildjail {

class PathTrace;

/** Shared by all sessions of one environment. */
struct FreebsdHost {
  FreebsdHost(JailAbilities found, NetworkListener listener)
      : abilities(std::move(found)), network(std::move(listener)) {}

  JailAbilities abilities;
  /** The ruleset of the previous session, or 0. */
  std::atomic<int> devfs_ruleset = 0;
  MountsOfSources mounts_of_sources;
  NullfsIds nullfs_ids;
  DyingNetworks dying_networks;
  NetworkThread network;
};

/** A session with its jail. */
struct JailOpening : Opening {
  SessionJail& jail;
  FreebsdHost& host;
  const HeldLimits& limits;
  const std::string& jail_name;
  /** Null for a session without a trace. */
  PathTrace* path_trace = nullptr;
};

/**
 * A part that one function makes. If there is a second function, it takes the part away; it is called only if the first
 * did not fail. Without a second function the part goes with another one.
 */
class Act final : public Part {
 public:
  using Make = std::function<Status()>;
  using TakeAway = std::function<Status(TakingAway&)>;

  /** `target` outlives it. */
  Act(std::string_view step, std::string_view target, Make make, TakeAway take_away = {})
      : step_(step), target_(target), make_(std::move(make)), take_away_(std::move(take_away)) {}

  [[nodiscard]] std::string_view step() const override { return step_; }
  [[nodiscard]] std::string_view target() const override { return target_; }
  Status make(Trace&) override {
    auto status = make_ ? make_() : Status();
    is_made_ = static_cast<bool>(status);
    return status;
  }
  Status take_away(TakingAway& taking) override { return is_made_ && take_away_ ? take_away_(taking) : Status(); }

 private:
  std::string_view step_;
  std::string_view target_;
  Make make_;
  TakeAway take_away_;
  bool is_made_ = false;
};

/** A dead session, and its jail if there still is one. */
struct DeadJailSession : DeadSession {
  SessionJail& jail;
};

}  // namespace buildjail
