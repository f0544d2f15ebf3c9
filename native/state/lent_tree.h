#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "state/lent_output.h"

namespace buildjail {

/**
 * What is in an output and belongs to the owner of the folder is the build user's from here on, so that a build can
 * change what an earlier one made. Not what has other names or set-id bits: those may be anybody's files.
 */
Status hand_over_tree(int top, const LentOutput& before, uid_t uid, gid_t gid);

/**
 * Gives what a build made below its output to the owner of the folder, and takes the marks that the build put on it
 * (file_marks.h) and set-id bits. Comes after the last process of the session, and is done again from the beginning
 * where it was interrupted. Of the folder itself nothing changes. Counts what it changed in `changed`.
 */
Status hand_back_tree(int top, const LentOutput& before, const Lending& lending, std::vector<LeftInOutput>& left,
                      std::size_t& changed);

}  // namespace buildjail
