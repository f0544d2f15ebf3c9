#pragma once

namespace buildjail {

/** Drops what was sent to a socket and nobody has read, descriptors too (unix(4), SCM_RIGHTS), and what else would
 * come. */
void drop_unread(int socket);

}  // namespace buildjail
