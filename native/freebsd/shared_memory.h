#pragma once

#include <string>

namespace buildjail {

/**
 * Removes the POSIX shared memory that was made in a jail, which is named after the jail's root (shm_open(2)). Nobody
 * inside is left to do so, and each keeps the jail from dying.
 */
void remove_shared_memory(const std::string& root);

}  // namespace buildjail
