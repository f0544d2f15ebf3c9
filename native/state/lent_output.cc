#include "state/lent_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"
#include "state/file_state.h"
#include "state/lent_tree.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "hand-back";
constexpr const char* kKey = "lent";
constexpr mode_t kModeBits = 07777;
constexpr int kOctal = 8;
constexpr int kHexadecimal = 16;

/** Of the third word of the fact. */
constexpr unsigned kShared = 1;
constexpr unsigned kGivesOwner = 2;
constexpr unsigned kTakesMarks = 4;
constexpr unsigned kStore = 8;

std::string octal(std::uint32_t bits) {
  std::array<char, 11> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), bits, kOctal);
  return {digits.data(), end};
}

/** A word without a space or a newline, whatever is in the bytes; of none `-`. */
std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (bytes.empty()) return "-";
  std::string word;
  for (const char one : bytes) {
    const auto byte = static_cast<unsigned char>(one);
    word += kDigits[byte / kDigits.size()];
    word += kDigits[byte % kDigits.size()];
  }
  return word;
}

bool read_bytes(std::string_view word, std::string& bytes) {
  if (word == "-") return true;
  if (word.empty() || word.size() % 2 != 0) return false;
  for (std::size_t at = 0; at < word.size(); at += 2) {
    unsigned char byte = 0;
    if (!read_number(word.substr(at, 2), byte, kHexadecimal)) return false;
    bytes += static_cast<char>(byte);
  }
  return true;
}

bool read_marks(std::string_view& rest, std::vector<Mark>& marks) {
  std::size_t count = 0;
  if (!read_number(cut(rest, ' '), count)) return false;
  for (std::size_t at = 0; at < count; ++at) {
    Mark mark;
    if (!read_bytes(cut(rest, ' '), mark.name) || !read_bytes(cut(rest, ' '), mark.value)) return false;
    marks.push_back(std::move(mark));
  }
  return true;
}

#ifdef UF_SETTABLE
// While a directory has some of them, root too is refused by fchown(2) and fchmod(2), or by who wants to move it away.
// The superuser's, SF_IMMUTABLE and its kind, a build has no way to set (jail(8), allow.chflags; on Linux
// CAP_LINUX_IMMUTABLE). UF_ARCHIVE is the file system's own.
constexpr std::uint32_t kOwnersFlags = UF_SETTABLE & ~std::uint32_t{UF_ARCHIVE};

std::uint32_t owners_flags(const struct stat& found) { return found.st_flags & kOwnersFlags; }

int set_owners_flags(int directory, const struct stat& now, std::uint32_t flags) {
  return ::fchflags(directory, (now.st_flags & ~kOwnersFlags) | flags);
}
#else
std::uint32_t owners_flags(const struct stat&) { return 0; }
int set_owners_flags(int, const struct stat&, std::uint32_t) { return 0; }
#endif

bool is_as_before(const struct stat& now, const LentOutput& before) {
  return now.st_uid == before.uid && now.st_gid == before.gid && (now.st_mode & kModeBits) == before.mode &&
         owners_flags(now) == before.flags;
}

Status restore_folders_marks(int directory, const LentOutput& before, std::vector<LeftInOutput>& left) {
  std::vector<std::string> stays;
  if (auto status = restore_marks(directory, before.marks, stays); !status) {
    status.error().path = before.path;
    return status;
  }
  for (std::string& what : stays) left.push_back({before.path, std::move(what)});
  return {};
}

/** What the build put on it goes first: until it has its mode, it is shut to others. */
Status restore_folder(int directory, const NotedOutput& noted, std::vector<LeftInOutput>& left) {
  const LentOutput& before = noted.before;
  // defence: marks-build-put-folder
  if (noted.lending.takes_marks) {
    if (auto status = restore_folders_marks(directory, before, left); !status) return status;
  }
  struct stat now{};
  if (::fstat(directory, &now) != 0) return last_error(kStep, "fstat", before.path);
  const bool is_owner_changed = now.st_uid != before.uid || now.st_gid != before.gid;
  // defence: lent-folder-comes-back
  if (is_owner_changed && ::fchown(directory, before.uid, before.gid) != 0)
    return last_error(kStep, "fchown", before.path);
  // The build owned it and may have changed its mode; fchown(2) by root keeps set-id bits of a directory.
  const bool is_mode_changed = (now.st_mode & kModeBits) != before.mode;
  // defence: lent-folder-comes-back-2
  if (is_mode_changed && ::fchmod(directory, before.mode) != 0) return last_error(kStep, "fchmod", before.path);
  // A mode makes an NFSv4 access list anew, here as when the folder was lent.
  if (is_mode_changed && !before.marks.empty()) {
    if (auto status = restore_folders_marks(directory, before, left); !status) return status;
  }
  if (owners_flags(now) != before.flags && set_owners_flags(directory, now, before.flags) != 0)
    return last_error(kStep, "fchflags", before.path);
  return {};
}

constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/** Without root's rights, a mode that the build gave it may keep out its owner. Empty with errno set. */
UniqueFd open_lent(const LentOutput& before) {
  UniqueFd directory(::open(before.path.c_str(), kFolder));
  // defence: output-comes-back-though
  if (directory || errno != EACCES) return directory;
  const UniqueFd shut(::open(before.path.c_str(), kHoldFolder));
  const auto found = shut ? state_of(shut.get()) : std::nullopt;
  errno = EACCES;
  if (!found || found->ino != before.ino || !open_up(shut.get(), *found)) return directory;
  directory = UniqueFd(::openat(shut.get(), ".", kFolder));
  return directory;
}

}  // namespace

Result<LentOutput> lent_output(const std::string& path, int directory) {
  struct stat found{};
  if (::fstat(directory, &found) != 0) return last_error({}, "fstat", path);
  auto marks = marks_on(directory);
  if (!marks) {
    marks.error().step.clear();
    marks.error().path = path;
    return std::move(marks.error());
  }
  return LentOutput{.path = path,
                    .dev = static_cast<std::uint64_t>(found.st_dev),
                    .ino = found.st_ino,
                    .uid = found.st_uid,
                    .gid = found.st_gid,
                    .mode = static_cast<mode_t>(found.st_mode & kModeBits),
                    .flags = owners_flags(found),
                    .since_ns = file_time_now(),
                    .marks = std::move(*marks)};
}

Fact lent_fact(const LentOutput& output, const Lending& lending) {
  const auto& [ids, gives_owner, takes_marks, is_store] = lending;
  const unsigned what = (ids.are_shared ? kShared : 0) | (gives_owner ? kGivesOwner : 0) |
                        (takes_marks ? kTakesMarks : 0) | (is_store ? kStore : 0);
  std::string value = std::to_string(ids.first);
  for (const std::uint64_t number :
       {ids.count, std::uint64_t{what}, output.dev, output.ino, std::uint64_t{output.uid}, std::uint64_t{output.gid}})
    value += " " + std::to_string(number);
  value += " " + octal(output.mode) + " " + octal(output.flags) + " " + std::to_string(output.since_ns);
  value += " " + std::to_string(output.marks.size());
  for (const Mark& mark : output.marks) value += " " + hexadecimal(mark.name) + " " + hexadecimal(mark.value);
  value += " " + output.path;
  return {kLentOutput, kKey, std::move(value)};
}

std::optional<NotedOutput> noted_output(const Fact& fact) {
  std::string_view rest = fact.value;
  NotedOutput noted{};
  auto& [before, lending] = noted;
  unsigned what = 0;
  const bool is_read = fact.part == kLentOutput && fact.key == kKey && read_number(cut(rest, ' '), lending.ids.first) &&
                       read_number(cut(rest, ' '), lending.ids.count) && read_number(cut(rest, ' '), what) &&
                       read_number(cut(rest, ' '), before.dev) && read_number(cut(rest, ' '), before.ino) &&
                       read_number(cut(rest, ' '), before.uid) && read_number(cut(rest, ' '), before.gid) &&
                       read_number(cut(rest, ' '), before.mode, kOctal) &&
                       read_number(cut(rest, ' '), before.flags, kOctal) &&
                       read_number(cut(rest, ' '), before.since_ns) && read_marks(rest, before.marks) &&
                       what <= (kShared | kGivesOwner | kTakesMarks | kStore) && rest.starts_with('/');
  if (!is_read) return std::nullopt;
  lending.ids.are_shared = (what & kShared) != 0;
  lending.gives_owner = (what & kGivesOwner) != 0;
  lending.takes_marks = (what & kTakesMarks) != 0;
  lending.is_store = (what & kStore) != 0;
  before.path = rest;
  return noted;
}

Status restore(int directory, const NotedOutput& noted, std::vector<LeftInOutput>& left, std::size_t& changed) {
  const LentOutput& before = noted.before;
  struct stat now{};
  if (::fstat(directory, &now) != 0) return last_error(kStep, "fstat", before.path);
  if (!is_as_before(now, before)) ++changed;
  // defence: lent-folder-comes-back-3
  if (owners_flags(now) != 0 && set_owners_flags(directory, now, 0) != 0)
    return last_error(kStep, "fchflags", before.path);
  // Without root's rights, a mode that the build gave it may keep out its owner.
  const bool is_shut = ::geteuid() == now.st_uid && (now.st_mode & S_IRWXU) != S_IRWXU;
  if (is_shut && ::fchmod(directory, (now.st_mode & kModeBits) | S_IRWXU) != 0)
    return last_error(kStep, "fchmod", before.path);
  // The folder is the build's until the last file in it is not: nobody else gets in meanwhile.
  if (auto status = hand_back_tree(directory, before, noted.lending, left, changed); !status) return status;
  return restore_folder(directory, noted, left);
}

Result<HandBack> hand_back(const NotedOutput& noted, std::vector<LeftInOutput>& left) {
  const LentOutput& before = noted.before;
  const UniqueFd directory = open_lent(before);
  if (!directory) {
    const bool is_other = errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EMLINK;
    if (is_other) return HandBack::kLost;
    return last_error(kStep, "open", before.path);
  }
  struct stat now{};
  if (::fstat(directory.get(), &now) != 0) return last_error(kStep, "fstat", before.path);
  if (now.st_ino != before.ino || static_cast<std::uint64_t>(now.st_dev) != before.dev) return HandBack::kLost;
  const bool is_lent = noted.lending.ids.contains(now.st_uid) || (noted.lending.is_store && now.st_uid == ::geteuid());
  if (!is_lent && now.st_uid != before.uid) return HandBack::kNothingToDo;
  std::size_t changed = 0;
  if (auto status = restore(directory.get(), noted, left, changed); !status) return std::move(status.error());
  return changed == 0 ? HandBack::kNothingToDo : HandBack::kDone;
}

}  // namespace buildjail
