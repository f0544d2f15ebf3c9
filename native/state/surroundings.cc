#include "state/surroundings.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"
#include "state/locked_file.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "state-directory";

SysError exposed(const std::string& path, std::string detail) {
  return {.step = kStep, .syscall = "lstat", .err = EPERM, .path = path, .dest = {}, .detail = std::move(detail)};
}

/** The whole of the host's numbers is mapped to itself, as it is outside of every user namespace. */
bool is_identity_map(std::string_view map) {
  constexpr std::string_view kAllIds = "4294967295";
  const auto word = [&map] {
    map.remove_prefix(std::min(map.find_first_not_of(" \t"), map.size()));
    const std::string_view taken = map.substr(0, map.find_first_of(" \t\n"));
    map.remove_prefix(taken.size());
    return taken;
  };
  return word() == "0" && word() == "0" && word() == kAllIds;
}

// In a user namespace all users who are not mapped look like one, and the host's root is mostly among them
// (user_namespaces(7), Unmapped user and group IDs). Elsewhere there is no such user, and FreeBSD has no such file.
bool is_unmapped(uid_t uid) {
  const auto text_of = [](const char* file) {
    const UniqueFd fd(::open(file, O_RDONLY | O_CLOEXEC));
    auto text = fd ? read_file(kStep, file, fd.get()) : Result<std::string>(std::string());
    return text ? std::move(*text) : std::string();
  };
  const std::string map = text_of("/proc/self/uid_map");
  if (map.empty() || is_identity_map(map)) return false;
  std::string unmapped = text_of("/proc/sys/kernel/overflowuid");
  while (unmapped.ends_with('\n')) unmapped.pop_back();
  uid_t number = 0;
  return read_number(unmapped, number) && number == uid;
}

Status refuse_folder(const std::string& folder, const std::string& path) {
  struct stat found{};
  if (::lstat(folder.c_str(), &found) != 0) return last_error(kStep, "lstat", folder);
  if (S_ISLNK(found.st_mode)) return exposed(path, "'" + folder + "' is a symbolic link");
  const bool is_of_trusted = found.st_uid == 0 || found.st_uid == ::geteuid() || is_unmapped(found.st_uid);
  if (!is_of_trusted)
    return exposed(path, "'" + folder + "' belongs to user " + std::to_string(found.st_uid) + ", who can exchange it");
  const bool is_changeable = (found.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (found.st_mode & S_ISVTX) == 0;
  // defence: state-directory-others-can
  if (is_changeable) return exposed(path, "others can exchange it, as they may write to '" + folder + "'");
  return {};
}

}  // namespace

Status Surroundings::refuse_changeable(const std::string& path) {
  for (std::size_t end = 1; end != std::string::npos && end < path.size(); end = path.find('/', end + 1)) {
    // The root itself first, and each folder once.
    if (end > 1 && path[end - 1] == '/') continue;
    std::string folder = end == 1 ? "/" : path.substr(0, end);
    if (std::ranges::find(safe_, folder) != safe_.end()) continue;
    if (auto status = refuse_folder(folder, path); !status) return status;
    safe_.push_back(std::move(folder));
  }
  return {};
}

Status Surroundings::refuse_exposed(const std::string& path) {
  if (auto status = refuse_changeable(path); !status) return status;
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return last_error(kStep, "lstat", path);
  }
  if (S_ISLNK(found.st_mode)) return exposed(path, "it is a symbolic link");
  if (found.st_uid != ::geteuid()) return exposed(path, "it belongs to user " + std::to_string(found.st_uid));
  return {};
}

}  // namespace buildjail
