#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace buildjail {

/**
 * The folders where the relative paths of a process begin: its root, its working directory, and the folders that it has
 * open. A build can make these paths as long as it likes by links to folders above, and can have many processes with
 * them. So each path is bounded, and so are all of a session together.
 */
class KnownFolders {
 public:
  /** AT_FDCWD. */
  static constexpr int kWorkingDirectory = -100;

  /** Four times what the kernel takes in one call (PATH_MAX). */
  static constexpr std::size_t kLongestPath = 4096;
  static constexpr std::size_t kMostBytes = std::size_t{32} * 1024 * 1024;

  /** `bytes` counts the paths of all processes of a session. Beyond the bound, no more folders are known. */
  explicit KnownFolders(std::shared_ptr<std::size_t> bytes) : bytes_(std::move(bytes)) {}
  KnownFolders& operator=(KnownFolders&&) = delete;
  ~KnownFolders() {
    close_from(0);
    change_root(std::nullopt);
    enter(std::nullopt);
  }

  /** A copy for a child, as fork(2) makes it. Folders are left out if all processes together have no room for them. */
  [[nodiscard]] std::shared_ptr<KnownFolders> copy() const {
    auto copied = std::make_shared<KnownFolders>(bytes_);
    copied->change_root(root_);
    copied->enter(working_directory_);
    for (const auto& [number, opened] : opened_) {
      if (!opened.closes_on_fork) copied->open(number, opened.path, opened.closes_on_exec);
    }
    return copied;
  }

  /** A path as a process gives it, absolute in the session. Empty if its folder is not known, or it is too long. */
  [[nodiscard]] std::optional<std::string> path_of(int folder, std::string_view given) const {
    if (given.starts_with('/')) return below(root_, given);
    if (folder == kWorkingDirectory) return below(working_directory_, given);
    const auto found = opened_.find(folder);
    return found == opened_.end() ? std::nullopt : below(found->second.path, given);
  }

  /** An empty path: the folder is not known. */
  void enter(std::optional<std::string> path) { keep(working_directory_, std::move(path)); }
  void change_root(std::optional<std::string> path) { keep(root_, std::move(path)); }

  void open(int number, std::string path, bool closes_on_exec, bool closes_on_fork = false) {
    close(number);
    if (number < 0 || *bytes_ + size_of(path) > kMostBytes) return;
    *bytes_ += size_of(path);
    opened_.emplace(number, Opened{std::move(path), closes_on_exec, closes_on_fork});
  }
  void duplicate(int from, int to, bool closes_on_exec) {
    const auto found = opened_.find(from);
    if (from == to) return;
    if (found == opened_.end()) return close(to);
    open(to, std::string(found->second.path), closes_on_exec);
  }
  void set_closes_on_exec(int number, bool closes_on_exec) {
    if (const auto found = opened_.find(number); found != opened_.end()) found->second.closes_on_exec = closes_on_exec;
  }
  void close(int number) {
    if (const auto found = opened_.find(number); found != opened_.end()) forget(found);
  }
  void close_from(int first) { close_range(first, static_cast<unsigned>(-1) / 2, false); }
  void close_range(int first, unsigned last, bool only_on_exec) {
    for (auto at = opened_.lower_bound(first); at != opened_.end() && static_cast<unsigned>(at->first) <= last;) {
      if (only_on_exec) {
        (at++)->second.closes_on_exec = true;
      } else {
        at = forget(at);
      }
    }
  }
  void execute() {
    for (auto at = opened_.begin(); at != opened_.end();) at = at->second.closes_on_exec ? forget(at) : std::next(at);
  }

 private:
  struct Opened {
    std::string path;
    bool closes_on_exec;
    bool closes_on_fork;
  };
  using All = std::map<int, Opened>;

  /** About the size of an entry without its text. */
  static constexpr std::size_t kEntryBytes = 128;

  static std::size_t size_of(std::string_view path) { return path.size() + kEntryBytes; }

  All::iterator forget(All::iterator at) {
    *bytes_ -= size_of(at->second.path);
    return opened_.erase(at);
  }

  void keep(std::optional<std::string>& kept, std::optional<std::string> path) {
    *bytes_ -= kept ? kept->size() : 0;
    kept = path == "/" ? std::string() : std::move(path);
    if (kept && *bytes_ + kept->size() > kMostBytes) kept.reset();
    *bytes_ += kept ? kept->size() : 0;
  }

  /** `..` goes up by the text alone, and not above the root. */
  [[nodiscard]] std::optional<std::string> below(std::optional<std::string_view> folder, std::string_view given) const {
    if (!root_ || !folder) return std::nullopt;
    std::string path(*folder);
    while (!given.empty()) {
      const std::string_view name = cut(given, '/');
      if (name.empty() || name == ".") continue;
      if (name != "..") {
        path.append("/").append(name);
      } else if (path != *root_) {
        path.resize(std::min(path.find_last_of('/'), path.size()));
      }
    }
    // defence: traced-path-bounded
    if (path.size() > kLongestPath) return std::nullopt;
    return path.empty() ? "/" : path;
  }

  std::shared_ptr<std::size_t> bytes_;
  // Without a slash at the end: the session's root is the empty text.
  std::optional<std::string> root_ = std::string();
  std::optional<std::string> working_directory_ = std::string();
  All opened_;
};

}  // namespace buildjail
