#include "binding/prepared_launch.h"

#include <utility>

namespace buildjail {

Result<PreparedLaunch> prepare_launch(std::span<const std::byte> packed) {
  auto request = read_launch(packed);
  if (!request) return std::move(request.error());
  auto ends = StdioEnds::make_pipes(*request);
  if (!ends) return std::move(ends.error());
  return PreparedLaunch{.request = std::move(*request), .ends = std::move(*ends)};
}

}  // namespace buildjail
