#pragma once

#include "state/file_state.h"

namespace buildjail {

// The marks of overlayfs on what lies in an upper layer, by descriptors of O_PATH.

/** It stands for a removed file (overlayfs.rst, "whiteouts and opaque directories"). */
bool is_whiteout(int fd, const FileState& file);

/** Of a folder: nothing of the lower one is seen in it. */
bool is_opaque(int fd);

/**
 * Whether a folder of the upper layer was made of another one than `lower`. False where that is not known: the file
 * system of the source has no handles (name_to_handle_at(2)).
 */
bool is_of_another(int upper, int lower);

}  // namespace buildjail
