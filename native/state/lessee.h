#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "state/recovery.h"

namespace buildjail {

/** The session that has a lease, as the file of the lease tells of it. */
struct Holding {
  std::string id;
  std::string state_directory;
  bool operator==(const Holding&) const = default;
};

/** A session that leases, and where leases are. */
struct Lessee {
  /** Of the host (host_directory.h). */
  std::string host_directory;
  Holding session;
  /** What takes away the dead sessions of a state directory. */
  std::function<Recovery(const std::string& state_directory)> recovery_of;
};

/** A line of a lease's file. */
std::string line_of(const Holding& holding);
/** All in a lease's file. What is not such a line, or lacks its end, is not there. */
std::vector<Holding> holdings_in(std::string_view text);
/** `session 4b1f0c9e8d7a6532 of /var/run/buildjail`, for people. */
std::string name_of(const Holding& holding);

}  // namespace buildjail
