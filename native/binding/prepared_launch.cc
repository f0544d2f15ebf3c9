#include "binding/prepared_launch.h"

#include <utility>

namespace buildjail {

Result<PreparedLaunch> prepare_launch(std::span<const std::byte> packed, ReadyEnds& ready) {
  auto request = read_launch(packed);
  if (!request) return std::move(request.error());
  StdioEnds ends = ready.take(request->stdio);
  if (auto status = ends.make_pipes(request->stdio); !status) return std::move(status.error());
  return PreparedLaunch{.request = std::move(*request), .ends = std::move(ends)};
}

}  // namespace buildjail
