#pragma once

#include <sys/types.h>

namespace buildjail {

/**
 * A jail of ours, for a child that enters it. jail_attach(2) takes a number, which once the jail is gone may be another
 * one's, as a new jail may ask for any that is free (jail(8), jid); so whoever has entered looks whether the root there
 * is the session's. By a descriptor (15.0, jail_attach_jd(2)) that would not be needed, but each such call of 15.1
 * keeps a reference for good (do_jail_attach drops PD_DEREF), so that the jail would never die.
 */
struct JailReference {
  int jid;
  /** Of its root (stat(2)). */
  dev_t dev;
  ino_t ino;
};

}  // namespace buildjail
