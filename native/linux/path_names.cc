#include "linux/path_names.h"

#include <array>
#include <cstddef>

#include "base/text.h"

namespace buildjail {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kDeviceLinks = {{
    {"/dev/fd", "/proc/self/fd"},
    {"/dev/stdin", "/proc/self/fd/0"},
    {"/dev/stdout", "/proc/self/fd/1"},
    {"/dev/stderr", "/proc/self/fd/2"},
}};

}  // namespace

std::string plain(std::string_view path) {
  std::string all;
  all.reserve(path.size());
  while (!path.empty()) {
    const std::string_view name = cut(path, '/');
    if (name.empty() || name == ".") continue;
    all += '/';
    all += name;
  }
  return all.empty() ? "/" : all;
}

std::string parent_of(const std::string& path) {
  const std::size_t end = path.find_last_of('/');
  return end == 0 || end == std::string::npos ? "/" : path.substr(0, end);
}

std::pair<std::string, std::string> folder_and_name(const std::string& path) {
  if (path.ends_with("/..")) return {path, std::string()};
  return {parent_of(path), path.substr(path.find_last_of('/'))};
}

bool goes_up(std::string_view path) { return path.ends_with("/..") || path.find("/../") != std::string_view::npos; }

std::string from_folder(std::string folder, std::string_view relative) {
  std::string names = plain(relative);
  while (names == "/.." || names.starts_with("/../")) {
    folder = parent_of(folder);
    names.erase(0, std::string_view("/..").size());
  }
  return plain(folder + "/" + names);
}

std::string through_devices(const std::string& path) {
  for (const auto& [link, target] : kDeviceLinks)
    if (is_within(path, link)) return std::string(target) + path.substr(link.size());
  return path;
}

bool is_descriptor(const std::string& path) { return path.starts_with("/proc/") && parent_of(path).ends_with("/fd"); }

std::optional<int> own_descriptor(std::string_view path) {
  constexpr std::array<std::string_view, 2> kOwn = {"/proc/self/fd/", "/proc/thread-self/fd/"};
  int number = 0;
  for (const std::string_view own : kOwn)
    if (path.starts_with(own) && read_number(path.substr(own.size()), number)) return number;
  return std::nullopt;
}

bool leads_out_of_proc(std::string_view path) {
  if (!path.starts_with("/proc/")) return false;
  while (!path.empty()) {
    const std::string_view name = cut(path, '/');
    if ((name == "cwd" || name == "root") && !path.empty()) return true;
    if (name == "fd") return path.find('/') != std::string_view::npos;
  }
  return false;
}

std::string in_folder(const std::string& folder, std::string_view names) {
  return folder == "/" ? std::string(names) : folder + std::string(names);
}

}  // namespace buildjail
