#include "freebsd/parts/users.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "freebsd/processes.h"

namespace buildjail {

namespace {

/** Nobody of ours is this user now, so whoever is could reach into a build that became it. */
Result<std::string> objection_to(std::uint32_t uid) {
  const auto process = process_of_user(uid);
  if (!process) return process.error();
  // defence: no-process-host-user
  if (!*process) return std::string();
  const auto& [pid, command, jid, tracer] = **process;
  return "is the user of pid " + std::to_string(pid) + " (" + command + "), which is none of a session's";
}

}  // namespace

Status UserLease::make(Trace&) {
  user_ = plan_.user;
  NumberedThings users{.step = "user-lease",
                       .name = "user",
                       .plural = "build users",
                       .first = plan_.user.uid,
                       .count = plan_.users,
                       .objection = objection_to};
  // Root is nobody's alone.
  // defence: build-user-spec-names
  const bool is_leased = plan_.user.uid != 0;
  if (plan_.users == 0 && !is_leased) return {};
  auto lease =
      plan_.users == 0 ? NumberedLease::share(users, plan_.user.uid, lessee_) : NumberedLease::take(users, lessee_);
  if (!lease) return std::move(lease.error());
  lease_ = std::move(*lease);
  user_.uid = lease_.number();
  return {};
}

namespace {

// lib/libc/db/hash of FreeBSD, by which dbopen(3) reads the file: a page with the header, and then a page for each
// bucket. There are as many buckets as it takes for each to fit into its page, so there are neither overflow pages nor
// a map of them.
constexpr std::size_t kPageSize = 2048;
constexpr std::uint32_t kPageShift = 11;
constexpr std::size_t kMostBuckets = 65536;
constexpr std::uint32_t kMagic = 0x061561;
constexpr std::uint32_t kVersion = 2;
/** Of numbers in a page. Those of the header have it whatever this says. */
constexpr std::uint32_t kBigEndian = 4321;
constexpr std::uint32_t kSegmentShift = 8;
constexpr std::uint32_t kSegmentSize = 1U << kSegmentShift;
/** By its hash a reader knows which function was used. With its NUL. */
constexpr std::string_view kHashed("%$sniglet^&\0", 12);
/** spares[32] and bitmaps[32] of the header, which are of overflow pages. */
constexpr std::size_t kSpareBytes = 32 * 4 + 32 * 2;

// include/pwd.h. The tags are those of version 4, in which numbers are in network order.
constexpr std::string_view kVersionKey = "\xFFVERSION";
constexpr char kEntryVersion = 4;
constexpr char kByName = 0x41;
constexpr char kByNumber = 0x42;
constexpr char kById = 0x43;
/** All ten fields of a struct passwd. */
constexpr std::uint32_t kEveryField = 0x3FF;

struct Pair {
  std::string key;
  std::string value;
};

template <class Number>
void add_number(std::string& bytes, Number number) {
  for (int shift = static_cast<int>(sizeof(Number) - 1) * 8; shift >= 0; shift -= 8)
    bytes += static_cast<char>((number >> shift) & 0xFF);
}

std::uint32_t hash_of(std::string_view key) {
  std::uint32_t hash = 0;
  for (const char one : key) hash = hash * 33 + static_cast<unsigned char>(one);
  return hash;
}

/** name:password:uid:gid:gecos:home:shell */
constexpr std::size_t kFields = 7;
using Fields = std::array<std::string_view, kFields>;

std::optional<Fields> fields_of(std::string_view line) {
  Fields fields;
  for (std::size_t i = 0; i < kFields; ++i) {
    const std::size_t end = line.find(':');
    if ((end == std::string_view::npos) != (i == kFields - 1)) return std::nullopt;
    fields.at(i) = line.substr(0, end);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return fields;
}

std::optional<std::uint32_t> number_of(std::string_view text) {
  constexpr std::uint64_t kTen = 10;
  std::uint64_t number = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = number * kTen + static_cast<std::uint64_t>(digit - '0');
    if (number > UINT32_MAX) return std::nullopt;
  }
  return text.empty() ? std::nullopt : std::optional(static_cast<std::uint32_t>(number));
}

std::string entry_of(const Fields& fields, std::uint32_t uid, std::uint32_t gid) {
  const auto& [name, password, uid_text, gid_text, gecos, home, shell] = fields;
  std::string entry;
  const auto add_text = [&entry](std::string_view text) { entry.append(text) += '\0'; };
  add_text(name);
  add_text("*");
  add_number(entry, uid);
  add_number(entry, gid);
  // When the password is to be changed: never. The login class: the default one.
  add_number(entry, std::uint32_t{0});
  add_text("");
  add_text(gecos);
  add_text(home);
  add_text(shell);
  // When the account ends: never.
  add_number(entry, std::uint32_t{0});
  add_number(entry, kEveryField);
  return entry;
}

std::vector<Pair> pairs_of(std::string_view passwd) {
  std::vector<Pair> pairs{{std::string(kVersionKey), std::string(1, kEntryVersion)}};
  std::set<std::string> known;
  const auto add = [&](std::string key, const std::string& entry) {
    if (known.insert(key).second) pairs.push_back({std::move(key), entry});
  };
  const auto tagged = [](char tag, std::uint32_t number) {
    std::string key(1, tag);
    add_number(key, number);
    return key;
  };
  std::uint32_t line_number = 0;
  while (!passwd.empty()) {
    const std::size_t end = std::min(passwd.find('\n'), passwd.size());
    const std::string_view line = passwd.substr(0, end);
    passwd.remove_prefix(std::min(end + 1, passwd.size()));
    if (line.starts_with('#')) continue;
    const auto fields = fields_of(line);
    if (!fields || fields->at(0).empty()) continue;
    const auto uid = number_of(fields->at(2));
    const auto gid = number_of(fields->at(3));
    if (!uid || !gid) continue;
    const std::string entry = entry_of(*fields, *uid, *gid);
    add(kByName + std::string(fields->at(0)), entry);
    add(tagged(kByNumber, ++line_number), entry);
    add(tagged(kById, *uid), entry);
  }
  return pairs;
}

/** How many, two numbers for each pair, and two of what is free (page.h). Nothing where it is more than a page has. */
std::optional<std::string> page_of(const std::vector<const Pair*>& bucket) {
  constexpr std::size_t kNumber = sizeof(std::uint16_t);
  const std::size_t head = (bucket.size() * 2 + 3) * kNumber;
  std::size_t size = head;
  for (const Pair* const pair : bucket) size += pair->key.size() + pair->value.size();
  if (size > kPageSize) return std::nullopt;
  std::string page;
  std::string content(kPageSize - size, '\0');
  add_number(page, static_cast<std::uint16_t>(bucket.size() * 2));
  std::size_t offset = kPageSize;
  for (const Pair* const pair : bucket) {
    for (const std::string& text : {pair->key, pair->value})
      add_number(page, static_cast<std::uint16_t>(offset -= text.size()));
  }
  add_number(page, static_cast<std::uint16_t>(offset - head));
  add_number(page, static_cast<std::uint16_t>(offset));
  // From the end of the page towards its beginning.
  std::for_each(bucket.rbegin(), bucket.rend(), [&](const Pair* pair) { content += pair->value + pair->key; });
  return page + content;
}

std::string header_of(std::uint32_t buckets, std::size_t keys) {
  std::uint32_t split_point = 0;
  while ((1U << split_point) < buckets) ++split_point;
  std::string header;
  for (const std::uint32_t number :
       {kMagic, kVersion, kBigEndian, static_cast<std::uint32_t>(kPageSize), kPageShift, kSegmentSize, kSegmentSize,
        kSegmentShift, split_point, std::uint32_t{0}, buckets - 1, buckets * 2 - 1, buckets - 1,
        // How many pairs a bucket is meant to have, which only writers ask.
        std::uint32_t{32}, static_cast<std::uint32_t>(keys), std::uint32_t{1}, hash_of(kHashed)})
    add_number(header, number);
  header.append(kSpareBytes, '\0');
  header.resize(kPageSize, '\0');
  return header;
}

/**
 * What pwd_mkdb(8) makes of a passwd(5) for everybody to read: the C library looks users up in nothing else. It is a
 * table of hash(3), without passwords. The same text gives the same bytes. Lines that are no entry are passed over; of
 * two that have a name or a number in common, the first has it. Nothing where an entry is too long for the table.
 */
std::optional<std::string> password_database(std::string_view passwd) {
  const std::vector<Pair> pairs = pairs_of(passwd);
  for (std::size_t count = 1; count <= kMostBuckets; count *= 2) {
    std::vector<std::vector<const Pair*>> buckets(count);
    for (const Pair& pair : pairs) buckets.at(hash_of(pair.key) & (count - 1)).push_back(&pair);
    std::string table = header_of(static_cast<std::uint32_t>(count), pairs.size());
    const bool fits = std::ranges::all_of(buckets, [&table](const auto& bucket) {
      const auto page = page_of(bucket);
      if (page) table += *page;
      return page.has_value();
    });
    if (fits) return table;
  }
  return std::nullopt;
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

Status Accounts::make(Trace&) {
  const std::string text = with_uid(wanted_.text, user_.uid);
  if (auto status = write_new_file(root_ + wanted_.target, text); !status) return status;
  const auto database = password_database(text);
  if (database) return write_new_file(root_ + kDatabase, *database);
  return SysError{.step = {},
                  .syscall = "dbopen",
                  .err = EINVAL,
                  .path = wanted_.target,
                  .dest = {},
                  .detail = "an entry is too long for the database of users"};
}

}  // namespace buildjail
