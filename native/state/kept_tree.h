#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"

namespace buildjail {

/** Where a copy goes, and whose it will be. */
struct KeptIn {
  /** Nobody else may be let into it meanwhile. */
  int folder;
  uid_t uid;
  gid_t gid;
  /** The longest path in it: what is deeper could not be named by its whole path, and few programs could take it away.
   */
  std::size_t longest_path;
};

/**
 * Copies what is below a directory, with its modes less set-id bits: files with several names as one file, holes as
 * holes, so that the copy is no larger. `path` is what the directory is called in errors. Nobody may change it
 * meanwhile. What is there after a failure has its owner, and is whole file by file.
 * @param left by their paths in the copy: what is neither a file nor a folder nor a link, what may not be read, and
 * what the file system of the copy cannot have; a folder for all that is in it
 */
Status keep_tree(int top, const std::string& path, const KeptIn& kept, std::vector<std::string>& left);

}  // namespace buildjail
