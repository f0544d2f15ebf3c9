#pragma once

#include <string>
#include <utility>
#include <vector>

#include "freebsd/parts/mount.h"

namespace buildjail {

/** The root: a tmpfs, in which everything else is mounted. */
class Root final : public Mount {
 public:
  explicit Root(SessionJail& jail) : Mount(jail, "/") {}
  /** One of a dead session. */
  Root(SessionJail& jail, std::string fsid) : Mount(jail, jail.root, std::move(fsid)) {}

  [[nodiscard]] std::vector<Fact> facts() const override { return {{kFacts, kPath, path()}}; }
  Status make(Trace& trace) override;
  Status take_away(TakingAway& taking) override;

  static constexpr const char* kFacts = "root";
  static constexpr const char* kPath = "path";
};

}  // namespace buildjail
