#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "plan/plan.h"

namespace buildjail {

/** By what lies below another bind: the nearest bind around it, in which its mount point is. */
using Nesting = std::map<const Bind*, const Bind*>;

/**
 * Of the steps that a session has, which outlive the answer; `earlier` are those of its base. Whoever mounts in what
 * is mounted from the host has to find the way there without links, so this is looked for here and not told by the
 * plan.
 */
Nesting nesting_in(const std::vector<Step>& steps, const std::vector<Step>& earlier);
Nesting nesting_in(const std::vector<Step>& steps);
// The answer would point into steps that are gone.
Nesting nesting_in(std::vector<Step>&& steps) = delete;
Nesting nesting_in(const std::vector<Step>& steps, std::vector<Step>&& earlier) = delete;

/** Where in the outer one the mount point is: `a/b`. */
inline std::string_view mount_point_in(const Bind& outer, const Bind& inner) {
  return std::string_view(inner.target).substr(outer.target.size() + 1);
}

}  // namespace buildjail
