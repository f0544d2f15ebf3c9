#include "linux/proc_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string_view>

#include "base/unique_fd.h"

namespace buildjail {

namespace {

std::string proc_path(pid_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

Result<std::string> read_all(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return last_error("record", "open", path);
  std::string text;
  std::array<char, 4096> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read(2) fills what is used
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got == 0) return text;
    if (got > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      return last_error("record", "read", path);
    }
  }
}

/** Cuts off what comes before the next separator, and that. */
std::string_view take_word(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::string_view word = take_word(text, separator);
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

/** The numbers of a line such as `Uid:\t0\t0\t0\t0`, in which separators are tabs or spaces. */
std::vector<unsigned> numbers(std::string_view line) {
  std::vector<unsigned> found;
  const char* at = line.data();
  const char* const end = line.data() + line.size();
  while (at < end) {
    unsigned number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error == std::errc()) found.push_back(number);
    at = next == at ? at + 1 : next;
  }
  return found;
}

/** proc_pid_mountinfo(5) writes space, tab, newline and backslash as a backslash and three octal digits. */
std::string unescaped(std::string_view text) {
  constexpr std::size_t kDigits = 3;
  const auto is_octal = [](char digit) { return digit >= '0' && digit <= '7'; };
  std::string plain;
  while (!text.empty()) {
    const std::string_view digits = text.substr(1, kDigits);
    const bool is_escape =
        text.front() == '\\' && digits.size() == kDigits && std::all_of(digits.begin(), digits.end(), is_octal);
    unsigned code = 0;
    for (const char digit : digits) code = code * 8 + static_cast<unsigned>(digit - '0');
    plain += is_escape ? static_cast<char>(code) : text.front();
    text.remove_prefix(is_escape ? 1 + kDigits : 1);
  }
  return plain;
}

/** A line of mountinfo. */
struct Mounted {
  /** Of the file system, as `8:1`. */
  std::string device;
  /** Which part of the file system is shown. */
  std::string part;
  std::string on;
  std::vector<std::string> flags;
  std::string type;
  std::string source;
  std::string options;
};

Mounted parse_mount(std::string_view line) {
  Mounted mounted;
  take_word(line, ' ');
  take_word(line, ' ');
  mounted.device = take_word(line, ' ');
  mounted.part = unescaped(take_word(line, ' '));
  mounted.on = unescaped(take_word(line, ' '));
  for (const auto flag : split(take_word(line, ' '), ',')) mounted.flags.emplace_back(flag);
  // Any number of optional fields follow, up to a hyphen.
  while (!line.empty() && take_word(line, ' ') != "-") {
  }
  mounted.type = take_word(line, ' ');
  mounted.source = unescaped(take_word(line, ' '));
  mounted.options = line;
  return mounted;
}

Result<std::vector<Mounted>> mount_table(const std::string& path) {
  const auto text = read_all(path);
  if (!text) return text.error();
  std::vector<Mounted> table;
  for (const auto line : split(*text, '\n')) table.push_back(parse_mount(line));
  return table;
}

bool is_within(std::string_view path, std::string_view directory) {
  if (directory == "/") return true;
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

std::string joined(const std::string& directory, std::string_view below) {
  if (below.empty() || below == "/") return directory;
  return directory == "/" ? std::string(below) : directory + std::string(below);
}

/** Where the host shows what is mounted; its source where the host does not. */
std::string host_path(const Mounted& mounted, const std::vector<Mounted>& host) {
  const Mounted* best = nullptr;
  for (const Mounted& candidate : host) {
    if (candidate.device != mounted.device || !is_within(mounted.part, candidate.part)) continue;
    if (best == nullptr || candidate.part.size() > best->part.size()) best = &candidate;
  }
  if (best == nullptr) return mounted.source;
  const std::size_t shown = best->part == "/" ? 0 : best->part.size();
  return joined(best->on, std::string_view(mounted.part).substr(shown));
}

/** The numbers behind the state of a process, its parent first. */
std::vector<unsigned> stat_of(pid_t pid) {
  const auto text = read_all(proc_path(pid, "stat"));
  if (!text) return {};
  // The name may hold anything; the state and the parent come after its end (proc_pid_stat(5)).
  const std::size_t end = text->rfind(')');
  if (end == std::string::npos || text->size() < end + 4) return {};
  return numbers(std::string_view(*text).substr(end + 4));
}

}  // namespace

std::optional<Credentials> credentials_of(pid_t pid) {
  const auto text = read_all(proc_path(pid, "status"));
  if (!text) return std::nullopt;
  Credentials who{};
  who.pid = pid;
  for (const auto line : split(*text, '\n')) {
    // Real, effective, saved, and that of the file system (proc_pid_status(5)).
    const auto ids = [line] {
      auto found = numbers(line);
      found.resize(4);
      return found;
    };
    if (line.starts_with("Uid:")) {
      who.real_uid = ids()[0];
      who.uid = ids()[1];
      who.saved_uid = ids()[2];
    } else if (line.starts_with("Gid:")) {
      who.real_gid = ids()[0];
      who.gid = ids()[1];
      who.saved_gid = ids()[2];
    } else if (line.starts_with("Groups:")) {
      who.groups = numbers(line);
    } else if (line.starts_with("Seccomp_filters:")) {
      const auto count = numbers(line);
      if (!count.empty()) who.system_call_filters = static_cast<int>(count.front());
    }
  }
  return who;
}

std::optional<ProcessStatus> status_of(pid_t pid) {
  const auto text = read_all(proc_path(pid, "status"));
  if (!text) return std::nullopt;
  ProcessStatus status{.command = {}, .tracer = 0};
  constexpr std::string_view kName = "Name:\t";
  for (const auto line : split(*text, '\n')) {
    if (line.starts_with(kName)) status.command = line.substr(kName.size());
    if (!line.starts_with("TracerPid:")) continue;
    const auto pids = numbers(line);
    if (!pids.empty()) status.tracer = static_cast<pid_t>(pids.front());
  }
  return status;
}

std::optional<pid_t> parent_of(pid_t pid) {
  const auto found = stat_of(pid);
  return found.empty() ? std::nullopt : std::optional(static_cast<pid_t>(found.front()));
}

std::optional<ProcessTimes> times_of(pid_t pid) {
  // The fields 14 to 17, of which the parent is the fourth; in hundredths of a second (proc_pid_stat(5), times(2)).
  constexpr std::size_t kUser = 10;
  constexpr std::uint64_t kTickUs = 10'000;
  const auto found = stat_of(pid);
  if (found.size() < kUser + 4) return std::nullopt;
  return ProcessTimes{.own_us = (std::uint64_t{found[kUser]} + found[kUser + 1]) * kTickUs,
                      .waited_us = (std::uint64_t{found[kUser + 2]} + found[kUser + 3]) * kTickUs};
}

std::optional<pid_t> pid_of_descriptor(int pidfd) {
  const auto text = read_all("/proc/self/fdinfo/" + std::to_string(pidfd));
  if (!text) return std::nullopt;
  for (const auto line : split(*text, '\n')) {
    if (!line.starts_with("Pid:")) continue;
    // -1 when it is over, of which the digit is read.
    const auto found = line.find('-') == std::string_view::npos ? numbers(line) : std::vector<unsigned>();
    return found.empty() || found.front() == 0 ? std::nullopt : std::optional(static_cast<pid_t>(found.front()));
  }
  return std::nullopt;
}

std::vector<pid_t> list_processes() {
  std::vector<pid_t> pids;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir("/proc"), ::closedir);
  if (!entries) return pids;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc() && end == name.data() + name.size()) pids.push_back(pid);
  }
  return pids;
}

std::optional<std::uint64_t> pid_namespace_of(pid_t pid) {
  struct stat link{};
  if (::stat(proc_path(pid, "ns/pid").c_str(), &link) != 0) return std::nullopt;
  return link.st_ino;
}

Result<std::vector<MountEntry>> mounts_of(pid_t pid, const std::string& root) {
  const auto inside = mount_table(proc_path(pid, "mountinfo"));
  if (!inside) return inside.error();
  const auto host = mount_table("/proc/self/mountinfo");
  if (!host) return host.error();
  std::vector<MountEntry> entries;
  for (const Mounted& mounted : *inside) {
    entries.push_back({.type = mounted.type,
                       .from = host_path(mounted, *host),
                       .on = joined(root, mounted.on),
                       .fsid = {},
                       .flags = mounted.flags});
  }
  return entries;
}

Result<std::vector<CgroupMount>> cgroup_mounts() {
  auto table = mount_table("/proc/self/mountinfo");
  if (!table) return std::move(table.error());
  std::vector<CgroupMount> found;
  for (Mounted& mounted : *table) {
    if (mounted.type != "cgroup" && mounted.type != "cgroup2") continue;
    found.push_back({.type = std::move(mounted.type),
                     .on = std::move(mounted.on),
                     .root = std::move(mounted.part),
                     .options = std::move(mounted.options)});
  }
  return found;
}

Result<std::vector<NamespaceEntry>> namespaces_of(pid_t pid) {
  std::vector<NamespaceEntry> found;
  for (const char* kind : {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}) {
    const std::string path = proc_path(pid, "ns/") + kind;
    struct stat link{};
    // nsfs: the number of the file is that of the namespace (namespaces(7), "The /proc/pid/ns/ directory").
    if (::stat(path.c_str(), &link) != 0) return last_error("record", "stat", path);
    found.emplace_back(kind, link.st_ino);
  }
  return found;
}

}  // namespace buildjail
