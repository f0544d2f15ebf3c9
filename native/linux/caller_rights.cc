#include "linux/caller_rights.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/tolerated.h"
#include "linux/ids.h"
#include "linux/privileges.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "notice";
/** The fourth number of Uid and Gid in /proc/pid/status is the one for files. */
constexpr std::size_t kForFiles = 3;
constexpr int kHexadecimal = 16;
/** The thread reads the entries of callers in /proc, and takes their ids. */
constexpr std::uint64_t kKept = 1U << CAP_DAC_READ_SEARCH | 1U << CAP_SYS_PTRACE | 1U << CAP_SETUID | 1U << CAP_SETGID;

bool has(std::uint64_t set, unsigned capability) { return (set >> capability & 1U) != 0; }

std::vector<gid_t> sorted(std::vector<gid_t> groups) {
  std::ranges::sort(groups);
  return groups;
}

/** Any of these ids may become the one for files. */
template <class Id>
bool differ(const std::vector<Id>& ids) {
  return std::ranges::adjacent_find(ids, std::not_equal_to()) != ids.end();
}

// setfsuid(2) and setfsgid(2) return the previous id and report no failure.
bool set_user(uid_t uid) {
  ::syscall(SYS_setfsuid, uid);
  return static_cast<uid_t>(::syscall(SYS_setfsuid, ~0U)) == uid;
}
bool set_group(gid_t gid) {
  ::syscall(SYS_setfsgid, gid);
  return static_cast<gid_t>(::syscall(SYS_setfsgid, ~0U)) == gid;
}

/**
 * A change of the user id takes this flag from the whole host program, whose memory it is (PR_SET_DUMPABLE(2const)).
 */
class KeptDumpable {
 public:
  KeptDumpable() = default;
  KeptDumpable& operator=(KeptDumpable&&) = delete;
  ~KeptDumpable() {
    // The third value is fs.suid_dumpable's, and cannot be set.
    if (was_ == 0 || was_ == 1) static_cast<void>(::prctl(PR_SET_DUMPABLE, was_));
  }

 private:
  int was_ = ::prctl(PR_GET_DUMPABLE);
};

}  // namespace

FileRights CallerRights::over(const FileState& file) const {
  FileRights all = rights;
  if (!inside_of(uids, file.uid) || !inside_of(gids, file.gid)) return all;
  if (owns_all) all.uid = file.uid;
  if (is_of_all_groups) all.gid = file.gid;
  return all;
}

std::optional<CallerRights> rights_of(pid_t thread) {
  const std::string entry = "/proc/" + std::to_string(thread) + "/";
  const auto text = read_text_file(kStep, entry + "status");
  if (!text) return std::nullopt;
  std::vector<uid_t> uids;
  std::vector<gid_t> gids;
  std::vector<pid_t> process;
  std::vector<pid_t> parent;
  std::optional<std::vector<gid_t>> groups;
  std::uint64_t capabilities = 0;
  std::uint64_t permitted = 0;
  for (std::string_view rest = *text; !rest.empty();) {
    std::string_view line = cut(rest, '\n');
    const std::string_view name = cut(line, ':');
    if (name == "Uid") uids = numbers_in(line);
    if (name == "Gid") gids = numbers_in(line);
    if (name == "Groups") groups = sorted(numbers_in(line));
    if (name == "Tgid") process = numbers_in<pid_t>(line);
    if (name == "PPid") parent = numbers_in<pid_t>(line);
    const auto read_set = [&line](std::uint64_t& set) {
      return read_number(line.substr(std::min<std::size_t>(1, line.size())), set, kHexadecimal);
    };
    if (name == "CapEff" && !read_set(capabilities)) return std::nullopt;
    if (name == "CapPrm" && !read_set(permitted)) return std::nullopt;
  }
  if (uids.size() <= kForFiles || gids.size() <= kForFiles || !groups || process.empty() || parent.empty())
    return std::nullopt;
  CallerRights caller{
      .process = process.front(),
      .parent = parent.front(),
      .rights = {.uid = uids[kForFiles], .gid = gids[kForFiles], .groups = std::move(*groups)},
      .owns_all = has(capabilities, CAP_FOWNER),
      .is_of_all_groups = has(capabilities, CAP_FSETID),
      .may_change = has(permitted, CAP_SETUID) || has(permitted, CAP_SETGID) || differ(uids) || differ(gids)};
  if (!caller.owns_all && !caller.is_of_all_groups) return caller;
  auto mapped_uids = read_map(kStep, entry + "uid_map");
  auto mapped_gids = read_map(kStep, entry + "gid_map");
  if (!mapped_uids || !mapped_gids) return std::nullopt;
  caller.uids = std::move(*mapped_uids);
  caller.gids = std::move(*mapped_gids);
  return caller;
}

BorrowedRights::BorrowedRights() {
  const Tolerated tolerated("it then takes no rights, and every call is refused");
  auto own = rights_of(static_cast<pid_t>(::syscall(SYS_gettid)));
  if (!own) return;
  own_ = std::move(own->rights);
  now_ = own_;
  // defence: notices-no-capability-over-files
  is_bounded_ = keep_capabilities_only(kKept);
}

// By number, because the C library would change all threads (setgroups(2), "C library/kernel differences").
bool BorrowedRights::take(const FileRights& rights) {
  if (!is_bounded_) return false;
  if (rights == now_) return true;
  const KeptDumpable kept;
  const bool has_groups =
      rights.groups == now_.groups || ::syscall(SYS_setgroups, rights.groups.size(), rights.groups.data()) == 0;
  if (!has_groups) return false;
  now_.groups = rights.groups;
  if (!set_group(rights.gid)) return false;
  now_.gid = rights.gid;
  if (!set_user(rights.uid)) return false;
  now_.uid = rights.uid;
  return true;
}

// The user comes first: with it root has its capabilities again (capabilities(7), "Effect of user ID changes").
void BorrowedRights::give_back() {
  if (now_ == own_) return;
  const KeptDumpable kept;
  if (set_user(own_.uid)) now_.uid = own_.uid;
  if (set_group(own_.gid)) now_.gid = own_.gid;
}

}  // namespace buildjail
