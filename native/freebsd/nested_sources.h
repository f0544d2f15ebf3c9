#pragma once

#include <string>

#include "core/result.h"

namespace buildjail {

/**
 * EBUSY where a folder that one session writes to holds a source of another, or of the same session. Who writes to the
 * outer folder can move a directory out of the inner one while a process stands in it, and nullfs(5) would then lead
 * that process by `..` up to the root of the host's file system (jail(8), NOTES). Read from the kernel's own list of
 * mounts, so across processes; to be called when all mounts of the session are made: of two that open at once, at least
 * one sees the other's.
 */
Status refuse_nested_sources(const std::string& root, const std::string& state_directory);

}  // namespace buildjail
