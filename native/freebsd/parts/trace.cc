#include "freebsd/parts/trace.h"

#include <sys/types.h>
#include <sys/sysctl.h>

#include <cstddef>

#include "freebsd/path_trace.h"

namespace buildjail {

namespace {

/** ENOENT of `sysctl`: the kernel was built without ktrace(2) (options KTRACE). */
Status confirm_kernel_traces() {
  const char* const name = "kern.features.ktrace";
  int is_there = 0;
  std::size_t size = sizeof(is_there);
  if (::sysctlbyname(name, &is_there, &size, nullptr, 0) == 0 && is_there != 0) return {};
  auto error = last_error("trace", "sysctl", name);
  error.detail = "this kernel has no ktrace(2)";
  return error;
}

}  // namespace

void TraceRoom::add_planned(const JailOpening& opening, Parts& parts) {
  if (opening.is_rest || opening.path_trace == nullptr) return;
  Reading reading{.begin = [&trace = *opening.path_trace, &root = opening.jail.root](std::string file) -> Status {
                    if (auto status = confirm_kernel_traces(); !status) return status;
                    return trace.begin(std::move(file), root);
                  },
                  .finish = [&trace = *opening.path_trace] { trace.finish(); }};
  parts.push_back(std::make_unique<TraceRoom>(trace_of(opening.plan.state_directory, opening.lessee.session.id),
                                              std::move(reading)));
}

}  // namespace buildjail
