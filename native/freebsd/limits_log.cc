#include "freebsd/limits_log.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include "freebsd/sysctl.h"

namespace buildjail {

namespace {

// Within a line it may be what a build has chosen: the kernel tells of the name of a socket whose queue is full. There
// each line of such a text has its level before it (log(9)), and a line of rctl(8) has none.
std::vector<std::string> lines_with(std::string_view beginning, std::string_view buffer) {
  std::vector<std::string> lines;
  for (std::size_t at = buffer.find(beginning); at != std::string_view::npos; at = buffer.find(beginning, at)) {
    const bool is_at_line = at > 0 && buffer[at - 1] == '\n';
    at += beginning.size();
    // defence: limit-met-not-forged
    if (is_at_line) lines.emplace_back(buffer.substr(at, buffer.find('\n', at) - at));
  }
  return lines;
}

/** How many of `now` were in `before` as well: the buffer loses its oldest, and gets new ones at its end. */
std::size_t kept(const std::vector<std::string>& before, const std::vector<std::string>& now) {
  std::size_t count = std::min(before.size(), now.size());
  while (count > 0 && !std::equal(before.end() - static_cast<std::ptrdiff_t>(count), before.end(), now.begin()))
    --count;
  return count;
}

}  // namespace

LimitsMet LimitsLog::met() {
  const std::lock_guard lock(mutex_);
  const auto buffer = read_sysctl("kern.msgbuf");
  if (!buffer) return met_;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are characters
  auto now = lines_with(beginning_, {reinterpret_cast<const char*>(buffer->data()), buffer->size()});
  for (const std::string& line : std::span(now).subspan(kept(seen_, now))) count(line);
  seen_ = std::move(now);
  return met_;
}

void LimitsLog::count(const std::string& line) {
  if (line.starts_with("memoryuse:")) ++met_.memory;
  if (line.starts_with("swapuse:")) ++met_.swap;
  if (line.starts_with("maxproc:") || line.starts_with("nthr:")) ++met_.processes;
}

}  // namespace buildjail
