#include "state/tree_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <utility>

#include "state/files.h"

namespace buildjail {

namespace {

/** The most folders that are open on the way to the current one. */
constexpr std::size_t kMostOpen = 32;
/** In bytes. Names without room are read again, so a larger bound makes a walk through a large folder faster. */
constexpr std::size_t kMostWaiting = std::size_t{16} << 20U;
/** Of a name that waits, beside its bytes: the nodes of a map and of the heap. */
constexpr std::size_t kNode = 128;
/** The longest path that is kept: PATH_MAX of Linux, and more than that of FreeBSD. */
constexpr std::size_t kLongestPath = 4096;
constexpr int kMostTries = 8;
constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

}  // namespace

// The build that chose the names is dead by now. It knew neither the time of the walk nor its place in memory.
TreeWalk::TreeWalk(std::string path, const char* step)
    : path_(std::move(path)),
      top_length_(path_.size()),
      step_(step),
      key_(static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) *
               0x9e3779b97f4a7c15 ^
           std::hash<const void*>()(this)) {}

Status TreeWalk::run(int top) {
  const auto state = state_of(top);
  if (!state) return failure(kStateCall);
  top_ = *state;
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    if (auto status = begin(); !status) return status;
    auto is_whole = walk(top);
    give_up();
    if (!is_whole) return std::move(is_whole.error());
    if (*is_whole) return {};
  }
  errno = ESTALE;
  auto error = failure("openat");
  error.detail = "folders in it are moved again and again";
  return error;
}

void TreeWalk::give_up() {
  waiting_.clear();
  waiting_bytes_ = 0;
  for (; !levels_.empty(); levels_.pop_back()) {
    if (levels_.back().is_visited) static_cast<void>(finish(levels_.back().mode));
  }
  open_.clear();
  path_.resize(top_length_);
  unnamed_ = 0;
}

Result<bool> TreeWalk::walk(int top) {
  const Level level{.folder = {.dev = top_.dev, .ino = top_.ino, .is_encrypted = top_.is_encrypted}, .mode = top_.mode};
  UniqueFd held(::openat(top, ".", kHoldFolder));
  if (!held) return failure("openat");
  if (auto status = enter(std::move(held), {}, level); !status) return std::move(status.error());
  while (!levels_.empty()) {
    const auto name = next_folder();
    if (!name) return name.error();
    if (!*name) {
      auto is_left = leave();
      if (!is_left || !*is_left) return is_left;
      continue;
    }
    if (auto status = descend(**name); !status) return std::move(status.error());
  }
  return true;
}

Status TreeWalk::enter(UniqueFd folder, std::string_view name, Level level) {
  const bool may_open = std::exchange(level.is_opened_up, false);
  levels_.push_back(level);
  // defence: walk-keeps-short-path
  if (unnamed_ > 0 || path_.size() + name.size() >= kLongestPath)
    ++unnamed_;
  else if (!name.empty())
    path_.append("/").append(name);
  open_.push_back(std::move(folder));
  if (open_.size() > kMostOpen) open_.pop_front();
  UniqueFd& held = open_.back();
  UniqueFd opened(::openat(held.get(), ".", kDirectory));
  // Its mode may keep out an owner who is not root.
  const bool is_shut = (opened ? (level.mode & S_IXUSR) == 0 : errno == EACCES) && ::geteuid() != 0;
  if (is_shut && may_open) {
    if (!set_mode(held.get(), (level.mode & ~S_IFMT) | S_IRWXU)) return failure(kModeCall);
    levels_.back().is_opened_up = true;
    opened = UniqueFd(::openat(held.get(), ".", kDirectory));
  }
  // It belongs to another user.
  if (!opened && is_shut && passes_by_shut_folders()) return {};
  if (!opened) return failure("openat");
  held = std::move(opened);
  return read(true);
}

Status TreeWalk::read(bool is_first) {
  const int fd = open_.back().get();
  UniqueFd again(::openat(fd, ".", kDirectory));
  if (!again) return failure("openat");
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::fdopendir(again.get()), ::closedir);
  if (!list) return failure("fdopendir");
  static_cast<void>(again.release());
  levels_.back().has_more = false;
  auto end = std::numeric_limits<std::uint64_t>::max();
  for (;;) {
    errno = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread has this one
    const struct dirent* const entry = ::readdir(list.get());
    if (entry == nullptr) return errno == 0 ? Status() : failure("readdir");
    const std::string_view found = entry->d_name;
    if (found == "." || found == "..") continue;
    if (entry->d_type == DT_DIR) {
      let_wait(found, end);
    } else if (is_first) {
      if (auto status = look_at(fd, entry->d_name, end); !status) return status;
    } else if (entry->d_type == DT_UNKNOWN) {
      const auto state = state_in(fd, entry->d_name);
      if (state && S_ISDIR(state->mode)) let_wait(found, end);
    }
  }
}

Status TreeWalk::look_at(int directory, const char* name, std::uint64_t& end) {
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
    if (looks_first_) return {};
    auto visited = visit(file.get(), *state, name);
    return visited ? Status() : std::move(visited.error());
  }
  // This file system does not report the kinds of its entries.
  let_wait(name, end);
  return {};
}

void TreeWalk::let_wait(std::string_view name, std::uint64_t& end) {
  const std::uint64_t number = number_of(name);
  if (number <= levels_.back().last || number >= end) return;
  if (waiting_.empty() || waiting_.back().level != levels_.size()) waiting_.push_back({.level = levels_.size()});
  waiting_.back().names.emplace(number, name);
  waiting_bytes_ += name.size() + kNode;
  while (waiting_bytes_ > kMostWaiting) {
    auto& [at, names] = waiting_.front();
    const auto last = std::prev(names.end());
    if (at == levels_.size()) end = last->first;
    levels_[at - 1].has_more = true;
    waiting_bytes_ -= last->second.size() + kNode;
    names.erase(last);
    if (names.empty()) waiting_.pop_front();
  }
}

Result<std::optional<std::string>> TreeWalk::next_folder() {
  const auto is_waiting = [this] { return !waiting_.empty() && waiting_.back().level == levels_.size(); };
  if (!is_waiting() && levels_.back().has_more) {
    if (auto status = read(false); !status) return std::move(status.error());
  }
  if (!is_waiting()) return std::optional<std::string>();
  auto& names = waiting_.back().names;
  auto next = names.extract(names.begin());
  if (names.empty()) waiting_.pop_back();
  levels_.back().last = next.key();
  waiting_bytes_ -= next.mapped().size() + kNode;
  return std::optional(std::move(next.mapped()));
}

Status TreeWalk::descend(const std::string& name) {
  // defence: walk-enters-no-link
  UniqueFd folder(::openat(open_.back().get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return is_no_such_file(errno) ? Status() : failure("openat", name);
  auto state = state_of(folder.get());
  if (!state) return failure(kStateCall, name);
  if (state->mount != top_.mount) return {};
  Level level{.folder = {.dev = state->dev, .ino = state->ino, .is_encrypted = state->is_encrypted},
              .is_opened_up = may_open_up(*state)};
  if (concerns(*state)) {
    auto is_to_be_entered = visit(folder.get(), *state, name);
    if (!is_to_be_entered) return std::move(is_to_be_entered.error());
    if (!*is_to_be_entered) return {};
    level.is_visited = true;
  }
  level.mode = state->mode;
  return enter(std::move(folder), name, level);
}

Result<bool> TreeWalk::leave() {
  const int directory = open_.back().get();
  if (open_.size() == 1 && levels_.size() > 1) {
    UniqueFd above(::openat(directory, "..", kDirectory));
    if (!above) return failure("openat");
    const auto state = state_of(above.get());
    if (!state) return failure(kStateCall);
    const Folder& expected = levels_[levels_.size() - 2].folder;
    if (state->ino != expected.ino || state->dev != expected.dev) return false;
    open_.push_front(std::move(above));
  }
  Level& level = levels_.back();
  if (level.is_opened_up && !set_mode(directory, level.mode & ~S_IFMT)) return failure(kModeCall);
  if (std::exchange(level.is_visited, false)) {
    if (auto status = finish(level.mode); !status) return std::move(status.error());
  }
  levels_.pop_back();
  open_.pop_back();
  if (unnamed_ > 0)
    --unnamed_;
  else if (!levels_.empty())
    path_.resize(path_.rfind('/'));
  return true;
}

Result<bool> TreeWalk::still_has(const FileState& file, std::string_view name) const {
  const auto now = state_in(open_.back().get(), std::string(name).c_str());
  if (!now) return is_no_such_file(errno) ? Result<bool>(false) : failure(kNamedStateCall, name);
  return now->dev == file.dev && now->ino == file.ino && now->changed_ns == file.changed_ns;
}

SysError TreeWalk::failure(const char* call, std::string_view name) const {
  return last_error(step_, call, path_of(name));
}

bool TreeWalk::is_refusal(int err) { return err == EPERM || err == EACCES || err == EROFS || err == EOPNOTSUPP; }

std::string TreeWalk::path_of(std::string_view name) const {
  std::string path = path_;
  if (unnamed_ > 0) path.append("/[").append(std::to_string(unnamed_)).append(" more folders]");
  if (!name.empty()) path.append("/").append(name);
  return path;
}

// A polynomial of the name, at a point that was not known to any process before. Two names have the same number at few
// points, whatever they are.
std::uint64_t TreeWalk::number_of(std::string_view name) const {
  constexpr unsigned kBits = 61;
  constexpr std::uint64_t kPrime = (std::uint64_t{1} << kBits) - 1;
  const std::uint64_t point = key_ % (kPrime - 2) + 2;
  std::uint64_t number = folder().ino % kPrime;
  for (const char c : name) {
    const auto product = static_cast<unsigned __int128>(number) * point + static_cast<unsigned char>(c) + 1;
    // A power of two divided by the prime below it leaves one.
    number = (static_cast<std::uint64_t>(product) & kPrime) + static_cast<std::uint64_t>(product >> kBits);
    if (number >= kPrime) number -= kPrime;
  }
  return number + 1;
}

}  // namespace buildjail
