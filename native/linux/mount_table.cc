#include "linux/mount_table.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <utility>

#include "state/locked_file.h"
#include "state/words.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "nested-sources";
constexpr const char* kTable = "/proc/self/mountinfo";

bool is_within(std::string_view inner, std::string_view outer) {
  if (outer == "/") return true;
  return inner.starts_with(outer) && (inner.size() == outer.size() || inner[outer.size()] == '/');
}

/** What of `inner` comes after `outer`, with the slash; empty where they are the same. */
std::string_view rest_of(std::string_view inner, std::string_view outer) {
  if (outer == "/") return inner == "/" ? std::string_view() : inner;
  return inner.substr(outer.size());
}

std::string joined(std::string_view folder, std::string_view rest) {
  if (folder == "/") return rest.empty() ? "/" : std::string(rest);
  return std::string(folder).append(rest);
}

/** A word of the table: space, tab, newline and backslash are three octal digits there (proc_pid_mountinfo(5)). */
std::string plain(std::string_view word) {
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

}  // namespace

Status MountTable::look_at(std::vector<ShownSource>& sources) {
  const std::lock_guard lock(mutex_);
  if (auto status = read_if_changed(); !status) return status;
  for (ShownSource& source : sources) {
    if (source.kind == ShownSource::Kind::kOutput) source.mounted = mounted_in(source.path);
    const bool may_be_alias =
        std::ranges::any_of(aliases_, [&](const MountLine* one) { return is_within(source.path, one->on); });
    // defence: folder-mounted-second-place
    if (!may_be_alias) continue;
    const MountLine* const mount = mount_of(source.path);
    if (mount == nullptr || mount->widest == mount) continue;
    const std::string below = joined(mount->root, rest_of(source.path, mount->on));
    source.origin = joined(mount->widest->on, rest_of(below, mount->widest->root));
  }
  return {};
}

Result<std::vector<std::string>> MountTable::mounted_below(std::string_view folder) {
  const std::lock_guard lock(mutex_);
  if (auto status = read_if_changed(); !status) return std::move(status.error());
  std::vector<std::string> found;
  for (const MountLine& one : mounts_) {
    if (one.on != folder && is_within(one.on, folder)) found.push_back(one.on);
  }
  return found;
}

// By the folder itself and not by the path: the host may have mounted something in it where it is seen at another
// place.
std::string MountTable::mounted_in(std::string_view folder) const {
  const MountLine* const mount = mount_of(folder);
  if (mount == nullptr) return {};
  const std::string top = joined(mount->root, rest_of(folder, mount->on));
  for (const MountLine& one : mounts_) {
    const bool is_there = one.under != nullptr && one.under->device == mount->device;
    // defence: mount-output-seen-wherever
    if (is_there && one.point != top && is_within(one.point, top)) return one.on;
  }
  return {};
}

// From the root of this process downwards, as the kernel walks: what is mounted below a mount that was covered later is
// passed by.
const MountTable::MountLine* MountTable::mount_of(std::string_view path) const {
  const MountLine* at = nullptr;
  for (const MountLine& one : mounts_) {
    if (one.on == "/" && (at == nullptr || one.parent == at->id)) at = &one;
  }
  while (at != nullptr) {
    const MountLine* next = nullptr;
    for (const MountLine& one : mounts_) {
      if (one.parent != at->id || &one == at || !is_within(path, one.on)) continue;
      if (next == nullptr || one.on.size() < next->on.size()) next = &one;
    }
    if (next == nullptr) break;
    at = next;
  }
  return at;
}

Status MountTable::read_if_changed() {
  const bool is_first = !table_;
  if (is_first) table_ = UniqueFd(::open(kTable, O_RDONLY | O_CLOEXEC));
  if (!table_) return last_error(kStep, "open", kTable);
  // A change is told once, to who asks next (proc_pid_mounts(5)).
  pollfd changed{.fd = table_.get(), .events = POLLPRI, .revents = 0};
  if (::poll(&changed, 1, 0) < 0) {
    auto error = last_error(kStep, "poll", kTable);
    // What was not read yet is the first again next time. What was is still as it was read.
    if (is_first) table_.reset();
    return error;
  }
  if (!is_first && (changed.revents & (POLLPRI | POLLERR)) == 0) return {};
  aliases_.clear();
  auto read = [this]() -> Result<std::vector<MountLine>> {
    const auto text = read_file(kStep, kTable, table_.get());
    if (!text) return text.error();
    return parse(*text);
  }();
  if (!read) {
    // So that the next session does not take it for read.
    table_.reset();
    return std::move(read.error());
  }
  mounts_ = std::move(*read);
  find_widest();
  find_points();
  return {};
}

void MountTable::find_widest() {
  // Mostly the first of a file system is it for all others.
  std::vector<MountLine*> by_width;
  by_width.reserve(mounts_.size());
  for (MountLine& one : mounts_) by_width.push_back(&one);
  std::ranges::stable_sort(by_width, [](const MountLine* a, const MountLine* b) {
    return std::pair(std::string_view(a->device), a->root.size()) <
           std::pair(std::string_view(b->device), b->root.size());
  });
  auto first = by_width.begin();
  for (MountLine* const one : by_width) {
    if (one->device != (*first)->device) first = std::ranges::find(by_width, one);
    one->widest = *std::find_if(first, by_width.end(),
                                [one](const MountLine* other) { return is_within(one->root, other->root); });
    if (one->widest != one) aliases_.push_back(one);
  }
}

void MountTable::find_points() {
  std::unordered_map<int, const MountLine*> by_id;
  for (const MountLine& one : mounts_) by_id.emplace(one.id, &one);
  for (MountLine& one : mounts_) {
    const auto found = by_id.find(one.parent);
    if (found == by_id.end() || found->second == &one || !is_within(one.on, found->second->on)) continue;
    one.under = found->second;
    one.point = joined(one.under->root, rest_of(one.on, one.under->on));
  }
}

Result<std::vector<MountTable::MountLine>> MountTable::parse(std::string_view text) {
  std::vector<MountLine> mounts;
  while (!text.empty()) {
    std::string_view line = cut(text, '\n');
    MountLine mount{};
    const bool is_read = read_number(cut(line, ' '), mount.id) && read_number(cut(line, ' '), mount.parent);
    mount.device = cut(line, ' ');
    mount.root = plain(cut(line, ' '));
    mount.on = plain(cut(line, ' '));
    if (!is_read || !mount.root.starts_with('/') || !mount.on.starts_with('/')) {
      // Of a namespace as nsfs(5) shows it: `net:[4026531840]`.
      if (is_read && mount.on.starts_with('/')) continue;
      errno = EINVAL;
      return last_error(kStep, "read", kTable);
    }
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

}  // namespace buildjail
