#include "state/tree_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "state/files.h"

namespace buildjail {

namespace {

/** The most folders that are open on the way to the current one. The others are opened again on the way back. */
constexpr std::size_t kMostOpen = 32;
constexpr int kMostTries = 8;
constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

}  // namespace

Status TreeWalk::run(int top) {
  const auto state = state_of(top);
  if (!state) return failure(kStateCall);
  top_ = *state;
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    levels_.clear();
    begin();
    auto is_whole = walk(top);
    if (!is_whole) return std::move(is_whole.error());
    if (*is_whole) return {};
  }
  levels_.clear();
  errno = ESTALE;
  auto error = failure("openat");
  error.detail = "folders in it are moved again and again";
  return error;
}

Result<bool> TreeWalk::walk(int top) {
  if (auto status = enter(UniqueFd(::openat(top, ".", kDirectory)), {}, top_); !status)
    return std::move(status.error());
  while (!levels_.empty()) {
    auto& folders = levels_.back().folders;
    if (folders.empty()) {
      auto is_left = leave();
      if (!is_left || !*is_left) return is_left;
      continue;
    }
    const std::string name = std::move(folders.back());
    folders.pop_back();
    if (auto status = descend(name); !status) return std::move(status.error());
  }
  return true;
}

Status TreeWalk::enter(UniqueFd directory, std::string name, const FileState& state) {
  if (!directory) return failure("openat", name);
  const int fd = directory.get();
  levels_.push_back({.directory = std::move(directory), .name = std::move(name), .state = state});
  if (levels_.size() > kMostOpen) levels_[levels_.size() - kMostOpen - 1].directory.reset();
  UniqueFd again(::openat(fd, ".", kDirectory));
  if (!again) return failure("openat");
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::fdopendir(again.get()), ::closedir);
  if (!list) return failure("fdopendir");
  static_cast<void>(again.release());
  for (;;) {
    errno = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread has this one
    const struct dirent* const entry = ::readdir(list.get());
    if (entry == nullptr) return errno == 0 ? Status() : failure("readdir");
    const std::string_view found = entry->d_name;
    if (found == "." || found == "..") continue;
    if (entry->d_type == DT_DIR) {
      levels_.back().folders.emplace_back(found);
    } else if (auto status = look_at(fd, entry->d_name); !status) {
      return status;
    }
  }
}

Status TreeWalk::look_at(int directory, const char* name) {
  // One call in place of three. If it fails, opening the file gives the error.
  const auto known = looks_first_ ? state_in(directory, name) : std::nullopt;
  // defence: build-made-comes-back-2
  if (known && !S_ISDIR(known->mode) && !concerns(*known)) return {};
  // defence: no-link-followed-build
  const UniqueFd file(::openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  // Another process of the host may have moved, removed or exchanged it since its folder was read.
  if (!file) return is_no_such_file(errno) ? Status() : failure("openat", name);
  auto state = state_of(file.get());
  if (!state) return failure(kStateCall, name);
  if (state->mount != top_.mount) return {};
  if (!S_ISDIR(state->mode)) {
    looks_first_ = !concerns(*state);
    return looks_first_ ? Status() : visit(file.get(), *state, name);
  }
  // This file system does not report the kinds of its entries.
  levels_.back().folders.emplace_back(name);
  return {};
}

Status TreeWalk::descend(const std::string& name) {
  const UniqueFd folder(
      ::openat(levels_.back().directory.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return is_no_such_file(errno) ? Status() : failure("openat", name);
  auto state = state_of(folder.get());
  if (!state) return failure(kStateCall, name);
  if (state->mount != top_.mount) return {};
  const bool may_open = may_open_up(*state);
  if (concerns(*state)) {
    if (auto status = visit(folder.get(), *state, name); !status) return status;
  }
  UniqueFd opened(::openat(folder.get(), ".", kDirectory));
  // Its mode may keep out an owner who is not root.
  const bool is_shut = (opened ? (state->mode & S_IXUSR) == 0 : errno == EACCES) && ::geteuid() != 0;
  if (is_shut && may_open) {
    if (!set_mode(folder.get(), (state->mode & ~S_IFMT) | S_IRWXU)) return failure(kModeCall, name);
    opened = UniqueFd(::openat(folder.get(), ".", kDirectory));
  }
  // It belongs to another user.
  if (!opened && is_shut) return {};
  if (auto status = enter(std::move(opened), name, *state); !status) return status;
  levels_.back().is_opened_up = is_shut && may_open;
  return {};
}

Result<bool> TreeWalk::leave() {
  const Level below = std::move(levels_.back());
  levels_.pop_back();
  if (!levels_.empty() && !levels_.back().directory) {
    UniqueFd above(::openat(below.directory.get(), "..", kDirectory));
    if (!above) return failure("openat", below.name);
    const auto state = state_of(above.get());
    if (!state) return failure(kStateCall, below.name);
    const FileState& expected = levels_.back().state;
    if (state->ino != expected.ino || state->dev != expected.dev) return false;
    levels_.back().directory = std::move(above);
  }
  if (below.is_opened_up && !set_mode(below.directory.get(), below.state.mode & ~S_IFMT))
    return failure(kModeCall, below.name);
  return true;
}

Result<bool> TreeWalk::still_has(const FileState& file, std::string_view name) const {
  const auto now = state_in(levels_.back().directory.get(), std::string(name).c_str());
  if (!now) return is_no_such_file(errno) ? Result<bool>(false) : failure(kNamedStateCall, name);
  return now->dev == file.dev && now->ino == file.ino && now->changed_ns == file.changed_ns;
}

SysError TreeWalk::failure(const char* call, std::string_view name) const {
  return last_error(step_, call, path_of(name));
}

std::string TreeWalk::path_of(std::string_view name) const {
  std::string path = path_;
  for (const Level& level : levels_) {
    if (!level.name.empty()) path.append("/").append(level.name);
  }
  if (!name.empty()) path.append("/").append(name);
  return path;
}

}  // namespace buildjail
