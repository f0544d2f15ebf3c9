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

/** Where the relative paths of a process begin: its root, its working directory, and the folders that it has open. */
class KnownFolders {
 public:
  /** AT_FDCWD. */
  static constexpr int kWorkingDirectory = -100;

  /** `bytes` is how much all of a session have; beyond the bound, descriptors are not known. */
  explicit KnownFolders(std::shared_ptr<std::size_t> bytes) : bytes_(std::move(bytes)) {}
  KnownFolders& operator=(KnownFolders&&) = delete;
  ~KnownFolders() { close_from(0); }

  /** As fork(2) copies it: without descriptors where those of all processes are too many. */
  [[nodiscard]] std::shared_ptr<KnownFolders> copy() const {
    auto copied = std::make_shared<KnownFolders>(bytes_);
    copied->root_ = root_;
    copied->working_directory_ = working_directory_;
    for (const auto& [number, opened] : opened_) {
      if (!opened.closes_on_fork) copied->open(number, opened.path, opened.closes_on_exec);
    }
    return copied;
  }

  /** A path as a process gives it, absolute in the session. Empty if its folder is not known. */
  [[nodiscard]] std::optional<std::string> path_of(int folder, std::string_view given) const {
    if (given.starts_with('/')) return below(root_, given);
    if (folder == kWorkingDirectory) return below(working_directory_, given);
    const auto found = opened_.find(folder);
    return found == opened_.end() ? std::nullopt : std::optional(below(found->second.path, given));
  }

  void enter(const std::string& path) { working_directory_ = path == "/" ? "" : path; }
  void change_root(const std::string& path) { root_ = path == "/" ? "" : path; }

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

  static constexpr std::size_t kMostBytes = std::size_t{32} * 1024 * 1024;
  /** About the size of an entry without its text. */
  static constexpr std::size_t kEntryBytes = 128;

  static std::size_t size_of(std::string_view path) { return path.size() + kEntryBytes; }

  All::iterator forget(All::iterator at) {
    *bytes_ -= size_of(at->second.path);
    return opened_.erase(at);
  }

  /** `..` goes up by the text alone, and not above the root. */
  [[nodiscard]] std::string below(std::string_view folder, std::string_view given) const {
    std::string path(folder);
    while (!given.empty()) {
      const std::string_view name = cut(given, '/');
      if (name.empty() || name == ".") continue;
      if (name != "..") {
        path.append("/").append(name);
      } else if (path != root_) {
        path.resize(std::min(path.find_last_of('/'), path.size()));
      }
    }
    return path.empty() ? "/" : path;
  }

  std::shared_ptr<std::size_t> bytes_;
  // Without a slash at the end: the session's root is the empty text.
  std::string root_{};
  std::string working_directory_{};
  All opened_;
};

}  // namespace buildjail
