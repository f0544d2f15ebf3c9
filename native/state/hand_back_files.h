#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "state/lent_output.h"

namespace buildjail {

/** The result of walks through one output. */
struct HandedBack {
  std::vector<LeftInOutput> left{};
  /** The number of changed files. */
  std::size_t changed = 0;
  /** Folders are held: `let_folders_go` has to follow. */
  bool has_held = false;
};

/**
 * Gives the files that a build made in its output to the owner of the folder, and takes the marks and set-id bits that
 * the build put on them. Does not change the folder itself. Holds folders that others can write to. Adds to `handed`.
 */
Status hand_back_files(int top, const NotedOutput& noted, HandedBack& handed);

/** Folders get the mode again that they had before they were held. */
Status let_folders_go(int top, const LentOutput& before);

}  // namespace buildjail
