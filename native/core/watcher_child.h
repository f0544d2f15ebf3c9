#pragma once

namespace buildjail {

/**
 * In a vfork(2)ed child, so system calls and nothing else: every signal to its default and none blocked, every
 * descriptor above 2 closed. Null, or the call that failed. Defined by each system's folder.
 */
const char* let_go_of_host_program();

}  // namespace buildjail
