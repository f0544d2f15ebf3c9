#include "plan/named_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstddef>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "base/unique_fd.h"

namespace buildjail {

namespace {

using Names = std::vector<std::string>;
using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

Directory open_directory(int top, const std::string& below) {
  UniqueFd fd(::openat(top, below.empty() ? "." : below.c_str(), kReadFolder));
  Directory directory(fd ? ::fdopendir(fd.get()) : nullptr, ::closedir);
  // closedir(3) closes it.
  if (directory) static_cast<void>(fd.release());
  return directory;
}

bool is_folder(DIR* directory, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat found{};
  const int fd = ::dirfd(directory);
  return fd >= 0 && ::fstatat(fd, static_cast<const char*>(entry.d_name), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(found.st_mode);
}

/** Threads take folders that wait to be looked into, and add those that they find in them. */
class Search {
 public:
  Search(int top, const Names& patterns, const Names& passed_by)
      : top_(top), patterns_(patterns), passed_by_(passed_by) {}

  void look() {
    for (auto below = next(); below; below = next()) {
      Names folders;
      Names found;
      look_into(*below, folders, found);
      done(folders, found);
    }
  }
  Names take_found() {
    std::ranges::sort(found_);
    return std::move(found_);
  }

 private:
  /** Nothing once all folders were looked into. */
  std::optional<std::string> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !waiting_.empty() || looking_ == 0; });
    if (waiting_.empty()) return std::nullopt;
    looking_ += 1;
    std::string below = std::move(waiting_.back());
    waiting_.pop_back();
    return below;
  }
  void done(Names& folders, Names& found) {
    const std::lock_guard lock(mutex_);
    looking_ -= 1;
    std::ranges::move(folders, std::back_inserter(waiting_));
    std::ranges::move(found, std::back_inserter(found_));
    changed_.notify_all();
  }
  void look_into(const std::string& below, Names& folders, Names& found) const {
    const auto directory = open_directory(top_, below);
    if (!directory && !below.empty()) found.push_back(below + '/');
    while (const dirent* const entry = directory ? ::readdir(directory.get()) : nullptr) {
      const char* const text = static_cast<const char*>(entry->d_name);
      const std::string_view name(text);
      if (name == "." || name == "..") continue;
      const auto path = [&] { return std::string(below).append(below.empty() ? "" : "/").append(name); };
      if (is_folder(directory.get(), *entry)) {
        if (std::ranges::find(passed_by_, name) == passed_by_.end()) folders.push_back(path());
      } else if (fits(text)) {
        found.push_back(path());
      }
    }
  }
  [[nodiscard]] bool fits(const char* name) const {
    return std::ranges::any_of(patterns_,
                               [name](const auto& pattern) { return ::fnmatch(pattern.c_str(), name, 0) == 0; });
  }

  const int top_;
  const Names& patterns_;
  const Names& passed_by_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Names waiting_{""};
  std::size_t looking_ = 0;
  Names found_;
};

}  // namespace

Names named_files(const std::string& folder, const Names& patterns, const Names& passed_by) {
  const UniqueFd top(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Search search(top.get(), patterns, passed_by);
  std::array<std::thread, 3> others;
  try {
    for (std::thread& one : others) one = std::thread([&search] { search.look(); });
  } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch): fewer threads find the same
  }
  search.look();
  for (std::thread& one : others) {
    if (one.joinable()) one.join();
  }
  return search.take_found();
}

}  // namespace buildjail
