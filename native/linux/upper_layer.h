#pragma once

#include <string>

#include "base/result.h"
#include "state/file_state.h"

namespace buildjail {

// The marks of overlayfs on what lies in an upper layer. Where they are attributes, `marks` is the beginning of their
// names, as marks_of() in overlays.h has it.

/** It stands for a removed file (overlayfs.rst, "whiteouts and opaque directories"). `fd` is of O_PATH. */
bool is_whiteout(int fd, const FileState& file);

/** Of a folder: nothing of the lower one is seen in it. */
Result<bool> is_opaque(const char* step, const std::string& path, const std::string& marks);

/** Whether a folder of the upper layer was made of one of the lower. False where that is not known, as below. */
bool is_of_lower(int upper, const std::string& marks);

/**
 * Whether a folder of the upper layer was made of another one than `lower`. False where that is not known: the file
 * system of the source has no handles (name_to_handle_at(2)). Both are of O_PATH.
 */
bool is_of_another(int upper, int lower, const std::string& marks);

}  // namespace buildjail
