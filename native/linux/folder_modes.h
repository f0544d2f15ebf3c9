#pragma once

#include <memory>

#include "linux/call_notices.h"
#include "state/set_group_id_folders.h"

namespace buildjail {

/**
 * Answers chmod(2) and its kind for a session, where they set the set-group-ID bit: sets it on a folder, by a
 * descriptor and with the rights of the caller, and refuses it on anything else. The call is never let through to the
 * kernel, because the build could exchange the path, or the file there, after the look at it (seccomp_unotify(2)).
 * It adds each folder that gets the bit to `folders`.
 */
AnswerCall answer_folder_modes(std::shared_ptr<SetGroupIdFolders> folders);

/** Whether a call is one of those. */
bool sets_group_id(const CallNotice& notice);

}  // namespace buildjail
