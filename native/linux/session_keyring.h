#pragma once

namespace buildjail {

// A process has a keyring by descent, not by user (session-keyring(7)): without one of its own, a build would have the
// caller's, and what that unlocks. For a child of clone_child or clone_sibling: system calls only. A kernel, or a
// filter on system calls, that knows no keyctl(2) knows none for the build either; that is no failure.

/** A new one of that name, which others of the same user may join. */
int make_session_keyring(const char* name);

/** The one that make_session_keyring made, as long as a process has it. */
int join_session_keyring(const char* name);

}  // namespace buildjail
