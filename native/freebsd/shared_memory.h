#pragma once

#include <string>

namespace buildjail {

/**
 * Removes the POSIX shared memory that was made in a jail, which is named after the jail's root (shm_open(2)). Nobody
 * inside is left to do so. Each keeps the jail from dying, but for one of large pages (shm_create_largepage(3)): that
 * stays when the jail is gone.
 */
void remove_shared_memory(const std::string& root);

}  // namespace buildjail
