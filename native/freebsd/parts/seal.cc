#include "freebsd/parts/seal.h"

#include <sys/param.h>
#include <sys/mount.h>

#include "freebsd/mounts.h"
#include "freebsd/nested_sources.h"

namespace buildjail {

Status Seal::make(Trace& trace) {
  if (auto status = refuse_nested_sources(binds_, plan_.state_directory, id_, mounted_); !status) return status;
  trace.mark("nested-sources");
  auto options = file_system("tmpfs", root_);
  options.add_errmsg();
  return nmount_options(options, MNT_UPDATE | MNT_RDONLY | MNT_NOSUID, "seal-root", "/");
}

}  // namespace buildjail
