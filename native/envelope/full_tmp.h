#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/limits.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * The limit that the /tmp of a session has reached: `tmpSize`, or `tmpFiles`. Empty if /tmp has room, if the session
 * has no /tmp of its own, and if /tmp cannot be looked at.
 * @param root the session's, as the host sees it
 */
std::optional<Limit> full_tmp(const std::string& root, const std::vector<Step>& steps);

}  // namespace buildjail
