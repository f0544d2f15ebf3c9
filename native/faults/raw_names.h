#pragma once

namespace buildjail::faults {

/** What our errors call a system call that is made by number (syscall(2)); `syscall` where it is not known here. */
const char* name_of_number(long number);

}  // namespace buildjail::faults
