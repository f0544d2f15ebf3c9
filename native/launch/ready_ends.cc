#include "launch/ready_ends.h"

#include <cstddef>
#include <utility>

namespace buildjail {

namespace {

constexpr std::array<StdioKind, 3> kCollected{StdioKind::kIgnore, StdioKind::kCapture, StdioKind::kCapture};

bool is_collected(const std::array<StdioRequest, 3>& stdio) {
  for (std::size_t i = 0; i < stdio.size(); ++i) {
    if (stdio.at(i).kind != kCollected.at(i)) return false;
  }
  return true;
}

}  // namespace

StdioEnds ReadyEnds::take(const std::array<StdioRequest, 3>& stdio) {
  if (!is_collected(stdio)) return {};
  const std::lock_guard lock(mutex_);
  auto ends = std::exchange(ends_, std::nullopt);
  return ends ? std::move(*ends) : StdioEnds();
}

void ReadyEnds::keep(StdioEnds ends) {
  const std::lock_guard lock(mutex_);
  ends_ = std::move(ends);
}

void ReadyEnds::drop() {
  const std::lock_guard lock(mutex_);
  ends_.reset();
}

std::optional<StdioEnds> ReadyEnds::make() {
  std::array<StdioRequest, 3> stdio;
  for (std::size_t i = 0; i < stdio.size(); ++i) stdio.at(i).kind = kCollected.at(i);
  StdioEnds ends;
  if (!ends.make_pipes(stdio)) return std::nullopt;
  return ends;
}

}  // namespace buildjail
