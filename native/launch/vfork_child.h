#pragma once

#include <sys/types.h>

namespace buildjail {

/**
 * Runs `program(context)` in a vfork(2)ed child, which then exits with 127 if the program came back. Returns in the
 * parent when the child has executed another program or is gone; the child is the caller's to wait for. -1 and errno
 * when there was no child.
 *
 * The program runs in our memory while this thread sleeps, so what it writes through `context` is what we read. It must
 * not allocate, lock, or call what the thread library wraps (vfork(2), CAVEATS). No signal reaches parent or child
 * meanwhile: a handler of the host program's must not run a second time. The program itself unblocks them. On FreeBSD
 * none is left in the child: what was handled is at its default there.
 */
pid_t vfork_child(void (*program)(void*), void* context);

/** Waits for a child of the caller's that has nothing to say. */
void reap(pid_t pid);

}  // namespace buildjail
