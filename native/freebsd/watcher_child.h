#pragma once

namespace buildjail {

/** Of the child that becomes the watcher: see Watcher's constructor. */
const char* let_go_of_host_program();

}  // namespace buildjail
