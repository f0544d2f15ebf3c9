#include <sys/types.h>
#include <sys/endian.h>
#include <sys/stat.h>

#include <db.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"
#include "freebsd/jails.h"
#include "freebsd/parts.h"
#include "freebsd/processes.h"
#include "plan/plan.h"
#include "state/lease.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "user-lease";

/** A process that has this user, on the host or in a jail of no session. Empty if no process has it. */
Result<std::optional<kinfo_proc>> outsider_with(std::uint32_t uid) {
  const auto processes = processes_of_user(uid);
  if (!processes) return processes.error();
  for (const kinfo_proc& process : *processes) {
    // A build that is root can have processes with any number, now or a moment later. Its jail keeps them from other
    // builds.
    const auto is_build = process.ki_jid == 0 ? Result<bool>(false) : is_of_session(process.ki_jid);
    if (!is_build) return is_build.error();
    // defence: user-taken-by-other-build
    if (*is_build) continue;
    return std::optional(process);
  }
  return std::optional<kinfo_proc>();
}

/** No session has leased this user. A process that has it could reach into a build with the same user. */
Result<std::string> objection_to(std::uint32_t uid) {
  const auto process = outsider_with(uid);
  if (!process) return process.error();
  // defence: no-process-host-user
  if (!*process) return std::string();
  return "is the user of pid " + std::to_string((**process).ki_pid) + " (" + (**process).ki_comm +
         "), which is none of a session's";
}

/** EBUSY if all users are leased, or if the one that the plan names is. A user that is shared has no lease. */
Result<NumberedLease> lease_user(const EnvelopePlan& plan, const Lessee& lessee) {
  const NumberedThings users{.step = kStep,
                             .name = "user",
                             .plural = "build users",
                             .first = plan.user.uid,
                             .count = plan.users,
                             .objection = objection_to};
  if (plan.users != 0) return NumberedLease::take(users, lessee);
  // Root belongs to no session alone.
  // defence: build-user-spec-names
  const bool is_leased = plan.user.uid != 0;
  return is_leased ? NumberedLease::share(users, plan.user.uid, lessee) : NumberedLease();
}

// include/pwd.h. The tags are those of version 4, in which numbers are in network order.
constexpr std::string_view kVersionKey = "\xFFVERSION";
constexpr char kEntryVersion = 4;
constexpr char kByName = 0x41;
constexpr char kByNumber = 0x42;
constexpr char kById = 0x43;
/** All ten fields of a struct passwd. */
constexpr std::uint32_t kEveryField = 0x3FF;

void add_number(std::string& bytes, std::uint32_t number) {
  std::array<char, sizeof(number)> ordered{};
  ::be32enc(ordered.data(), number);
  bytes.append(ordered.data(), ordered.size());
}

std::string tagged(char tag, std::uint32_t number) {
  std::string key(1, tag);
  add_number(key, number);
  return key;
}

/** A line of passwd(5): name:password:uid:gid:gecos:home:shell. */
struct Account {
  std::string_view name, gecos, home, shell;
  std::uint32_t uid = 0, gid = 0;
};

/** Empty for a line that is no entry. */
std::optional<Account> account_of(std::string_view line) {
  constexpr auto kSeparators = 6;
  if (line.starts_with('#') || std::ranges::count(line, ':') != kSeparators) return std::nullopt;
  Account account;
  account.name = cut(line, ':');
  cut(line, ':');
  const bool has_uid = read_number(cut(line, ':'), account.uid);
  const bool has_gid = read_number(cut(line, ':'), account.gid);
  account.gecos = cut(line, ':');
  account.home = cut(line, ':');
  account.shell = line;
  return has_uid && has_gid && !account.name.empty() ? std::optional(account) : std::nullopt;
}

std::string entry_of(const Account& account) {
  std::string entry;
  const auto add_text = [&entry](std::string_view text) { entry.append(text) += '\0'; };
  add_text(account.name);
  add_text("*");
  add_number(entry, account.uid);
  add_number(entry, account.gid);
  // The password never has to be changed. The login class is the default one.
  add_number(entry, 0);
  add_text("");
  add_text(account.gecos);
  add_text(account.home);
  add_text(account.shell);
  // The account never ends.
  add_number(entry, 0);
  add_number(entry, kEveryField);
  return entry;
}

struct CloseDatabase {
  void operator()(DB* db) const { static_cast<void>(db->close(db)); }
};
/** A hash table of libc (dbopen(3)). */
using Database = std::unique_ptr<DB, CloseDatabase>;

/** The first of two values of a key stays. False with errno set. */
bool put(const Database& database, std::string key, std::string value) {
  DBT key_bytes{.data = key.data(), .size = key.size()};
  const DBT value_bytes{.data = value.data(), .size = value.size()};
  return database->put(database.get(), &key_bytes, &value_bytes, R_NOOVERWRITE) >= 0;
}

/**
 * Makes of a passwd(5) the database that pwd_mkdb(8) makes for everybody to read: the C library looks users up in
 * nothing else. Lines that are no entry are passed over. Of two entries with the same name or number, the first counts.
 */
Status write_database(const std::string& path, std::string_view passwd) {
  // Empty at first, because dbopen(3) would make it under the umask of the host program.
  if (auto status = write_new_file(path, {}); !status) return status;
  HASHINFO info{};
  // As pwd_mkdb(8) has it, whatever the machine.
  info.lorder = BIG_ENDIAN;
  Database database(::dbopen(path.c_str(), O_RDWR, 0, DB_HASH, &info));
  bool is_whole = database && put(database, std::string(kVersionKey), std::string(1, kEntryVersion));
  std::uint32_t line_number = 0;
  while (is_whole && !passwd.empty()) {
    const auto account = account_of(cut(passwd, '\n'));
    if (!account) continue;
    const std::string entry = entry_of(*account);
    is_whole = put(database, kByName + std::string(account->name), entry) &&
               put(database, tagged(kByNumber, ++line_number), entry) &&
               put(database, tagged(kById, account->uid), entry);
  }
  if (!is_whole) return last_error({}, "dbopen", path);
  // Writes what is not in the file yet.
  DB* const written = database.release();
  return written->close(written) == 0 ? Status() : last_error({}, "dbopen", path);
}

/** Lines of name:password:uid:..., where an empty uid is the build user's. */
std::string with_uid(std::string_view text, uid_t uid) {
  std::string filled;
  int field = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char one = text[i];
    filled += one;
    field = one == '\n' ? 0 : field + (one == ':' ? 1 : 0);
    if (one == ':' && field == 2 && text.substr(i + 1, 1) == ":") filled += std::to_string(uid);
  }
  return filled;
}

}  // namespace

void UserLease::add_planned(const JailOpening& opening, Parts& parts) {
  if (opening.is_rest) return;
  const auto held = std::make_shared<NumberedLease>();
  auto make = [held, &plan = opening.plan, &lessee = opening.lessee, &user = opening.jail.user]() -> Status {
    auto lease = lease_user(plan, lessee);
    if (!lease) return std::move(lease.error());
    *held = std::move(*lease);
    user = plan.user;
    if (held->lock() >= 0) user.uid = held->number();
    return {};
  };
  auto take_away = [held](TakingAway&) { return held->give_back(); };
  parts.push_back(std::make_unique<Act>(kStep, "", std::move(make), std::move(take_away)));
}

Status write_accounts(const std::string& root, const WriteText& wanted, uid_t uid) {
  const std::string text = with_uid(wanted.text, uid);
  if (auto status = write_new_file(root + wanted.target, text); !status) return status;
  return write_database(root + "/etc/pwd.db", text);
}

Status write_new_file(const std::string& path, std::string_view content) {
  constexpr mode_t kMode = 0644;
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
  if (!file) return last_error({}, "open", path);
  // The umask is the host program's, and not ours to change.
  if (::fchmod(file.get(), kMode) != 0) return last_error({}, "fchmod", path);
  const ssize_t written = ::write(file.get(), content.data(), content.size());
  if (written == static_cast<ssize_t>(content.size())) return {};
  // A part of it, where memory is short.
  if (written >= 0) errno = ENOSPC;
  return last_error({}, "write", path);
}

}  // namespace buildjail
