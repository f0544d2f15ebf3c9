#include "base/holder.h"

#include <algorithm>
#include <cstddef>

namespace buildjail {

namespace {

/** More than these make no sentence; a program has them all. */
constexpr std::size_t kMostTold = 5;

std::string told(const Holder& holder) {
  std::string text = holder.pid == 0 ? "" : "pid " + std::to_string(holder.pid) + " (" + holder.command + "): ";
  std::string kind = holder.kind;
  std::replace(kind.begin(), kind.end(), '-', ' ');
  text += kind;
  return holder.path.empty() ? text : text + " " + holder.path;
}

}  // namespace

std::string held_by(const std::vector<Holder>& holders) {
  std::string text;
  const std::size_t count = std::min(holders.size(), kMostTold);
  for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "held by " : "; ") + told(holders[i]);
  if (holders.size() > count) text += "; and " + std::to_string(holders.size() - count) + " more";
  return text;
}

}  // namespace buildjail
