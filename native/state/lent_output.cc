#include "state/lent_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

#include "base/unique_fd.h"
#include "state/words.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "hand-back";
constexpr const char* kKey = "lent";
constexpr mode_t kModeBits = 07777;
constexpr int kOctal = 8;

std::string octal(std::uint32_t bits) {
  std::array<char, 11> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), bits, kOctal);
  return {digits.data(), end};
}

#ifdef UF_IMMUTABLE
// While a directory has them, root too is refused by fchown(2) and fchmod(2), or by who wants to move it away. The
// superuser's, SF_IMMUTABLE and its kind, a build has no way to set (jail(8), allow.chflags; on Linux
// CAP_LINUX_IMMUTABLE).
constexpr std::uint32_t kHoldingFlags = UF_IMMUTABLE | UF_APPEND | UF_NOUNLINK;

std::uint32_t holding_flags(const struct stat& found) { return found.st_flags & kHoldingFlags; }

int set_holding_flags(int directory, const struct stat& now, std::uint32_t flags) {
  return ::fchflags(directory, (now.st_flags & ~kHoldingFlags) | flags);
}
#else
std::uint32_t holding_flags(const struct stat&) { return 0; }
int set_holding_flags(int, const struct stat&, std::uint32_t) { return 0; }
#endif

bool is_as_before(const struct stat& now, const LentOutput& before) {
  return now.st_uid == before.uid && now.st_gid == before.gid && (now.st_mode & kModeBits) == before.mode &&
         holding_flags(now) == before.flags;
}

}  // namespace

LentOutput lent_output(const std::string& path, const struct stat& before) {
  return {.path = path,
          .dev = static_cast<std::uint64_t>(before.st_dev),
          .ino = before.st_ino,
          .uid = before.st_uid,
          .gid = before.st_gid,
          .mode = static_cast<mode_t>(before.st_mode & kModeBits),
          .flags = holding_flags(before)};
}

Fact lent_fact(const LentOutput& output, uid_t build_user) {
  std::string value = std::to_string(build_user);
  for (const std::uint64_t number : {output.dev, output.ino, std::uint64_t{output.uid}, std::uint64_t{output.gid}})
    value += " " + std::to_string(number);
  value += " " + octal(output.mode) + " " + octal(output.flags) + " " + output.path;
  return {kLentOutput, kKey, std::move(value)};
}

std::optional<NotedOutput> noted_output(const Fact& fact) {
  std::string_view rest = fact.value;
  NotedOutput noted{};
  LentOutput& before = noted.before;
  const bool is_read = fact.part == kLentOutput && fact.key == kKey && read_number(cut(rest, ' '), noted.build_user) &&
                       read_number(cut(rest, ' '), before.dev) && read_number(cut(rest, ' '), before.ino) &&
                       read_number(cut(rest, ' '), before.uid) && read_number(cut(rest, ' '), before.gid) &&
                       read_number(cut(rest, ' '), before.mode, kOctal) &&
                       read_number(cut(rest, ' '), before.flags, kOctal) && rest.starts_with('/');
  if (!is_read) return std::nullopt;
  before.path = rest;
  return noted;
}

Status restore(int directory, const LentOutput& before) {
  struct stat now{};
  if (::fstat(directory, &now) != 0) return last_error(kStep, "fstat", before.path);
  if (is_as_before(now, before)) return {};
  if (holding_flags(now) != 0 && set_holding_flags(directory, now, 0) != 0)
    return last_error(kStep, "fchflags", before.path);
  const bool is_owner_changed = now.st_uid != before.uid || now.st_gid != before.gid;
  if (is_owner_changed && ::fchown(directory, before.uid, before.gid) != 0)
    return last_error(kStep, "fchown", before.path);
  // The build owned it and may have changed its mode; fchown(2) by root keeps set-id bits of a directory.
  const bool is_mode_changed = (now.st_mode & kModeBits) != before.mode;
  if (is_mode_changed && ::fchmod(directory, before.mode) != 0) return last_error(kStep, "fchmod", before.path);
  if (before.flags != 0 && set_holding_flags(directory, now, before.flags) != 0)
    return last_error(kStep, "fchflags", before.path);
  return {};
}

Result<HandBack> hand_back(const LentOutput& before, uid_t build_user) {
  const UniqueFd directory(::open(before.path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) {
    const bool is_other = errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EMLINK;
    if (is_other) return HandBack::kLost;
    return last_error(kStep, "open", before.path);
  }
  struct stat now{};
  if (::fstat(directory.get(), &now) != 0) return last_error(kStep, "fstat", before.path);
  if (now.st_ino != before.ino || static_cast<std::uint64_t>(now.st_dev) != before.dev) return HandBack::kLost;
  if (now.st_uid != build_user && now.st_uid != before.uid) return HandBack::kNothingToDo;
  if (is_as_before(now, before)) return HandBack::kNothingToDo;
  if (auto status = restore(directory.get(), before); !status) return std::move(status.error());
  return HandBack::kDone;
}

}  // namespace buildjail
