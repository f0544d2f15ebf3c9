#pragma once

#include <optional>

#include "envelope/accounting.h"
#include "launch/launch_request.h"
#include "launch/waiter.h"
#include "plan/limits.h"

namespace buildjail {

/**
 * The limit that ended a command which did not succeed, as far as that can be told. A shell that tells of the
 * signal of its last program by its exit status (sh(1), 128 + n) is taken at its word. `before` and `after` are what
 * the session had met of its limits at the launch and at the end.
 */
std::optional<Limit> ended_by(const Ending& ending, const CommandLimits& limits, const LimitsMet& before,
                              const LimitsMet& after);

}  // namespace buildjail
