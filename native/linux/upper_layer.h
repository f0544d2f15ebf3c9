#pragma once

#include <string>

#include "base/result.h"
#include "state/file_state.h"

namespace buildjail {

// The marks of overlayfs on files of an upper layer. If they are attributes, their names begin with `marks`, as
// marks_of() in overlays.h returns it.

/** Whether a file stands for a removed one (overlayfs.rst, "whiteouts and opaque directories"). `fd` is of O_PATH. */
bool is_whiteout(int fd, const FileState& file);

/** Whether a folder hides everything of the lower one. */
Result<bool> is_opaque(const char* step, const std::string& path, const std::string& marks);

/** Whether a folder of the upper layer was copied up from a lower one. False if that is not known, as below. */
bool is_of_lower(int upper, const std::string& marks);

/**
 * Whether a folder of the upper layer was copied up from another folder than `lower`. False if that is not known,
 * because the file system of the source has no handles (name_to_handle_at(2)). Both are of O_PATH.
 */
bool is_of_another(int upper, int lower, const std::string& marks);

}  // namespace buildjail
