#include "linux/mount_table.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "nested-sources";
constexpr const char* kTable = "/proc/self/mountinfo";

/** The part of `inner` after `outer`, with the slash; empty if they are the same. */
std::string_view rest_of(std::string_view inner, std::string_view outer) {
  if (outer == "/") return inner == "/" ? std::string_view() : inner;
  return inner.substr(outer.size());
}

std::string joined(std::string_view folder, std::string_view rest) {
  if (folder == "/") return rest.empty() ? "/" : std::string(rest);
  return std::string(folder).append(rest);
}

/** The table writes space, tab, newline and backslash as a backslash and three octal digits (proc_pid_mountinfo(5)). */
std::string unescaped(std::string_view word) {
  constexpr std::size_t kDigits = 3;
  constexpr int kOctal = 8;
  std::string text;
  for (std::size_t i = 0; i < word.size(); ++i) {
    unsigned code = 0;
    if (word[i] == '\\' && i + kDigits < word.size() && read_number(word.substr(i + 1, kDigits), code, kOctal)) {
      text += static_cast<char>(code);
      i += kDigits;
    } else {
      text += word[i];
    }
  }
  return text;
}

Result<std::vector<MountLine>> parse(const char* step, const std::string& path, std::string_view text) {
  std::vector<MountLine> mounts;
  while (!text.empty()) {
    std::string_view line = cut(text, '\n');
    MountLine mount;
    const bool is_read = read_numbers(line, mount.id, mount.parent);
    mount.device = cut(line, ' ');
    mount.root = unescaped(cut(line, ' '));
    mount.on = unescaped(cut(line, ' '));
    if (!is_read || !mount.on.starts_with('/')) {
      errno = EINVAL;
      return last_error(step, "read", path);
    }
    mount.flags = cut(line, ' ');
    // Any number of optional fields follow, up to a hyphen.
    while (!line.empty() && cut(line, ' ') != "-") {
    }
    mount.type = cut(line, ' ');
    mount.source = unescaped(cut(line, ' '));
    mount.options = line;
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

/** The path at which the host shows a mount; its source if the host does not show it. */
std::string host_path(const MountLine& mount, const std::vector<MountLine>& host) {
  const MountLine* best = nullptr;
  for (const MountLine& candidate : host) {
    if (candidate.device != mount.device || !is_within(mount.root, candidate.root)) continue;
    if (best == nullptr || candidate.root.size() > best->root.size()) best = &candidate;
  }
  return best == nullptr ? mount.source : joined(best->on, rest_of(mount.root, best->root));
}

// From the root downwards, as the kernel walks. A mount below a mount point that was covered later is passed by.
template <class Line>
const Line* mount_around(const std::vector<Line>& mounts, std::string_view path) {
  const Line* at = nullptr;
  for (const Line& one : mounts) {
    if (one.on == "/" && (at == nullptr || one.parent == at->id)) at = &one;
  }
  while (at != nullptr) {
    const Line* next = nullptr;
    for (const Line& one : mounts) {
      if (one.parent != at->id || &one == at || !is_within(path, one.on)) continue;
      if (next == nullptr || one.on.size() < next->on.size()) next = &one;
    }
    if (next == nullptr) break;
    at = next;
  }
  return at;
}

}  // namespace

Result<std::vector<MountLine>> read_mounts(const char* step, const std::string& path) {
  const auto text = read_text_file(step, path);
  if (!text) return text.error();
  return parse(step, path, *text);
}

std::string folder_shown_at(const std::vector<MountLine>& mounts, std::string_view path) {
  const MountLine* const at = mount_around(mounts, path);
  return at == nullptr ? std::string() : at->device + " " + joined(at->root, rest_of(path, at->on));
}

Result<std::vector<MountEntry>> mounts_of(pid_t pid, const std::string& root) {
  const auto inside = read_mounts("record", "/proc/" + std::to_string(pid) + "/mountinfo");
  if (!inside) return inside.error();
  const auto host = read_mounts("record");
  if (!host) return host.error();
  std::vector<MountEntry> entries;
  for (const MountLine& mount : *inside) {
    std::vector<std::string> flags;
    for (std::string_view rest = mount.flags; !rest.empty();) flags.emplace_back(cut(rest, ','));
    entries.push_back({.type = mount.type,
                       .from = host_path(mount, *host),
                       .on = root + std::string(rest_of(mount.on, "/")),
                       .fsid = {},
                       .flags = std::move(flags)});
  }
  return entries;
}

Status MountTable::look_at(std::vector<ShownSource>& sources) {
  const std::lock_guard lock(mutex_);
  if (auto status = read_if_changed(); !status) return status;
  for (ShownSource& source : sources) {
    if (source.kind == ShownSource::Kind::kOutput) source.mounted = mounted_in(source.path);
    const bool may_be_alias =
        std::ranges::any_of(aliases_, [&](const Mount* one) { return is_within(source.path, one->on); });
    // defence: folder-mounted-second-place
    if (!may_be_alias) continue;
    const Mount* const mount = mount_of(source.path);
    if (mount == nullptr || mount->widest == mount) continue;
    const std::string below = joined(mount->root, rest_of(source.path, mount->on));
    source.origin = joined(mount->widest->on, rest_of(below, mount->widest->root));
  }
  return {};
}

Result<std::uint64_t> MountTable::version() {
  const std::lock_guard lock(mutex_);
  if (auto status = read_if_changed(); !status) return std::move(status.error());
  return version_;
}

Result<std::vector<std::string>> MountTable::mounted_below(std::string_view folder) {
  const std::lock_guard lock(mutex_);
  if (auto status = read_if_changed(); !status) return std::move(status.error());
  std::vector<std::string> found;
  for (const Mount& one : mounts_) {
    if (is_below(one.on, folder)) found.push_back(one.on);
  }
  return found;
}

// By the folder itself and not by its path: the host may see a mount in it at another path.
std::string MountTable::mounted_in(std::string_view folder) const {
  const Mount* const mount = mount_of(folder);
  if (mount == nullptr) return {};
  const std::string top = joined(mount->root, rest_of(folder, mount->on));
  for (const Mount& one : mounts_) {
    const bool is_there = one.under != nullptr && one.under->device == mount->device;
    // defence: mount-output-seen-wherever
    if (is_there && one.point != top && is_within(one.point, top)) return one.on;
  }
  return {};
}

const MountTable::Mount* MountTable::mount_of(std::string_view path) const { return mount_around(mounts_, path); }

Status MountTable::read_if_changed() {
  const bool is_first = !table_;
  if (is_first) table_ = UniqueFd(::open(kTable, O_RDONLY | O_CLOEXEC));
  if (!table_) return last_error(kStep, "open", kTable);
  // The kernel reports a change once, to the next poll(2) of this descriptor (proc_pid_mounts(5)).
  pollfd changed{.fd = table_.get(), .events = POLLPRI, .revents = 0};
  if (::poll(&changed, 1, 0) < 0) {
    auto error = last_error(kStep, "poll", kTable);
    // A table that was read before is still right. A table that was not is opened again next time.
    if (is_first) table_.reset();
    return error;
  }
  if (!is_first && (changed.revents & (POLLPRI | POLLERR)) == 0) return {};
  ++version_;
  aliases_.clear();
  mounts_.clear();
  const auto text = read_file(kStep, kTable, table_.get());
  auto read = text ? parse(kStep, kTable, *text) : text.error();
  if (!read) {
    // So that the next session reads it again.
    table_.reset();
    return std::move(read.error());
  }
  for (MountLine& line : *read) {
    if (line.root.starts_with('/')) mounts_.push_back({std::move(line)});
  }
  find_widest();
  find_points();
  return {};
}

void MountTable::find_widest() {
  // The first mount of a file system mostly is the widest for all others of it.
  std::vector<Mount*> by_width;
  by_width.reserve(mounts_.size());
  for (Mount& one : mounts_) by_width.push_back(&one);
  std::ranges::stable_sort(by_width, [](const Mount* a, const Mount* b) {
    return std::pair(std::string_view(a->device), a->root.size()) <
           std::pair(std::string_view(b->device), b->root.size());
  });
  auto first = by_width.begin();
  for (Mount* const one : by_width) {
    if (one->device != (*first)->device) first = std::ranges::find(by_width, one);
    one->widest =
        *std::find_if(first, by_width.end(), [one](const Mount* other) { return is_within(one->root, other->root); });
    if (one->widest != one) aliases_.push_back(one);
  }
}

void MountTable::find_points() {
  std::unordered_map<int, const Mount*> by_id;
  for (const Mount& one : mounts_) by_id.emplace(one.id, &one);
  for (Mount& one : mounts_) {
    const auto found = by_id.find(one.parent);
    if (found == by_id.end() || found->second == &one || !is_within(one.on, found->second->on)) continue;
    one.under = found->second;
    one.point = joined(one.under->root, rest_of(one.on, one.under->on));
  }
}

}  // namespace buildjail
