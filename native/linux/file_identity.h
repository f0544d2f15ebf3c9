#pragma once

#include <sys/types.h>

#include <string>

namespace buildjail {

/**
 * What tells an open file from every other that there was or will be: its number is given to the next file as soon as
 * it is removed, but not with the same handle (name_to_handle_at(2)). Empty where the file system has no such.
 */
std::string identity_of(int fd, dev_t device);

}  // namespace buildjail
