#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "state/lent_output.h"

namespace buildjail {

/**
 * Gives the files that a build made in its output to the owner of the folder, and takes the marks and set-id bits that
 * the build put on them. Does not change the folder itself. Adds the number of changed files to `changed`.
 */
Status hand_back_files(int top, const NotedOutput& noted, std::vector<LeftInOutput>& left, std::size_t& changed);

}  // namespace buildjail
