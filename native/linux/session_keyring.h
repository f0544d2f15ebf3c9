#pragma once

namespace buildjail {

/**
 * A new session keyring without a name, which init and every command of the session have by descent. A process has one
 * by descent and not by user (session-keyring(7)): without this a build would have the caller's, and what that unlocks.
 * The keyrings of the user (user-keyring(7)) are another matter: a build still has those of its user id.
 *
 * For a child that shares our memory: system calls only. A kernel, or a filter on system calls, that knows no keyctl(2)
 * knows none for the build either; that is no failure.
 */
int make_session_keyring();

}  // namespace buildjail
