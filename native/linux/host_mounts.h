#pragma once

#include <cstddef>

namespace buildjail {

/** Whether so many mounts are in our namespace. Not where it cannot be told: listmount(2) is of Linux 6.8. */
bool are_host_mounts(std::size_t at_least);

}  // namespace buildjail
