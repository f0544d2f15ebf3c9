#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/limits.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * The limit that the /tmp of a session has come to: `tmpSize`, or `tmpFiles`. Empty where it has room, where it is none
 * of the session's own, and where it cannot be looked at.
 * @param root the session's, as the host sees it
 */
std::optional<Limit> full_tmp(const std::string& root, const std::vector<Step>& steps);

}  // namespace buildjail
