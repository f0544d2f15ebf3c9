#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freebsd/jail_reference.h"

namespace buildjail {

/**
 * Brings up lo0 with 127.0.0.1 and ::1, from inside a jail with a network stack of its own.
 * @return a socket of that network. While it is open, the jail may die, but its network stays: the kernel takes a fifth
 * of a second to take one away, which it does by itself and for nobody to wait for, when the last that holds it is a
 * descriptor (prison_free), and makes jail_remove(2) wait otherwise.
 */
Result<UniqueFd> bring_up_loopback(const JailReference& jail);

/** Moves an interface of this process's network into a jail's. ENXIO: there is none of that name. */
Status lend_interface(const std::string& name, int jid);
/** Moves it back, out of the jail's. ENXIO: it is not there. */
Status take_interface_back(const std::string& name, int jid);

}  // namespace buildjail
