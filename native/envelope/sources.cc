#include "envelope/sources.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/back_off.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "envelope/part_list.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "nested-sources";
constexpr std::string_view kPrefix = "sources-";
/** The first letter of a line with the origin of the source before it. */
constexpr char kOrigin = 'o';
/** The first letter of a line with a path in the source before it that is covered. */
constexpr char kCovered = 'c';
/** Another session needs its turn for less than a millisecond. */
constexpr std::chrono::milliseconds kTurnBound{10000};
constexpr std::chrono::milliseconds kHolderBound{10000};

using Kind = ShownSource::Kind;

/** Whether a source shows the content of a path, in itself and not covered. */
bool shows(const ShownSource& outer, const std::string& at, const std::string& path) {
  if (!buildjail::is_below(path, at)) return false;
  // defence: covered-alone-is-not-shown
  return std::ranges::none_of(outer.covered, [&](const std::string& one) { return is_within(path, at + "/" + one); });
}

bool is_below(const ShownSource& inner, const ShownSource& outer) {
  return shows(outer, outer.path, inner.path) || shows(outer, outer.origin, inner.origin);
}

bool is_same(const ShownSource& one, const ShownSource& other) {
  return one.path == other.path || one.origin == other.origin;
}

std::string name_of(const ShownSource& source) {
  const std::string kind = source.kind == Kind::kOutput ? "output '" : "input '";
  const std::string where = source.origin == source.path ? "" : ", which is '" + source.origin + "'";
  return kind + source.path + "'" + where;
}

SysError nested(const ShownSource& source, const ShownSource& other, const std::string& detail) {
  return {.step = kStep, .syscall = "flock", .err = EBUSY, .path = source.path, .dest = other.path, .detail = detail};
}

/** For an input of one session and an output in it of another. Empty for other pairs. */
std::string remedy_for(const ShownSource& outer, const ShownSource& inner) {
  const bool is_so =
      outer.kind == Kind::kInput && inner.kind == Kind::kOutput && buildjail::is_below(inner.path, outer.path);
  if (!is_so) return {};
  return "exclude '" + inner.path.substr(outer.path.size() + 1) + "/' from the input '" + outer.path +
         "' (exclude or --exclude) if its build does not need it";
}

/** How two sources are nested, as the words between them in an error; empty if both may be shown at once. */
std::string_view nesting(const ShownSource& mine, const ShownSource& other) {
  const bool is_mine_written = mine.kind == Kind::kOutput;
  const bool is_other_written = other.kind == Kind::kOutput;
  // A build that writes where everybody's toolchain lies is the host's business, but for the toolchain itself.
  const bool is_inside_matter = other.kind != Kind::kToolchain;
  const bool is_around_matter = mine.kind != Kind::kToolchain;
  if (is_mine_written && is_below(other, mine)) return "lies around";
  if (is_mine_written && is_inside_matter && is_below(mine, other)) return "lies inside";
  if (is_other_written && is_below(mine, other)) return "lies inside";
  if (is_other_written && is_around_matter && is_below(other, mine)) return "lies around";
  // Such an input would be seen half made, and while the output is lent it is shut to others.
  if ((is_mine_written || is_other_written) && is_same(mine, other)) return "is the same folder as";
  return {};
}

bool is_kind(char letter) {
  const auto kind = static_cast<Kind>(letter);
  return kind == Kind::kOutput || kind == Kind::kInput || kind == Kind::kToolchain;
}

/** An error, and the session that causes it. */
using Conflict = std::pair<SysError, LeaseHolder>;

/** The sources in a list. */
std::vector<ShownSource> sources_in(std::string_view text) {
  std::vector<ShownSource> sources;
  text = text.substr(0, text.rfind('\n') + 1);
  // The first line names the holder.
  cut(text, '\n');
  while (!text.empty()) {
    std::string_view line = cut(text, '\n');
    if (line.size() < 2 || line[1] != ' ' || !is_kind(line[0])) continue;
    ShownSource source{.kind = static_cast<Kind>(line[0]), .origin = {}};
    if (!unescape(line.substr(2), source.path)) continue;
    source.origin = source.path;
    if (text.starts_with(kOrigin)) {
      line = cut(text, '\n');
      static_cast<void>(line.size() > 2 && unescape(line.substr(2), source.origin));
    }
    while (text.starts_with(kCovered)) {
      line = cut(text, '\n');
      std::string covered;
      if (line.size() > 2 && unescape(line.substr(2), covered)) source.covered.push_back(std::move(covered));
    }
    sources.push_back(std::move(source));
  }
  return sources;
}

std::string lines_of(const std::vector<ShownSource>& sources) {
  std::string lines;
  for (const ShownSource& one : sources) {
    lines.append({static_cast<char>(one.kind), ' '}).append(escaped(one.path)).append("\n");
    if (one.origin != one.path) lines.append({kOrigin, ' '}).append(escaped(one.origin)).append("\n");
    for (const std::string& covered : one.covered) lines.append({kCovered, ' '}).append(escaped(covered)).append("\n");
  }
  return lines;
}

Result<std::optional<Conflict>> conflict_with(const std::string& file, const std::vector<ShownSource>& own) {
  const auto text = read_text_file(kStep, file, kUnfollowed);
  if (!text && text.error().err == ENOENT) return std::optional<Conflict>();
  if (!text) return text.error();
  const auto with = holder_in(*text);
  if (!with) return std::optional<Conflict>();
  const bool has_outputs = std::ranges::any_of(own, [](const ShownSource& one) { return one.kind == Kind::kOutput; });
  for (const ShownSource& other : sources_in(*text)) {
    if (!has_outputs && other.kind != Kind::kOutput) continue;
    for (const ShownSource& mine : own) {
      const std::string_view how = nesting(mine, other);
      if (how.empty()) continue;
      const std::string detail = "the " + name_of(mine) + " " + std::string(how) + " the " + name_of(other) + " of " +
                                 buildjail::name_of(*with);
      auto error = nested(mine, other, detail);
      error.remedy = remedy_for(mine, other) + remedy_for(other, mine);
      return std::optional(Conflict(std::move(error), *with));
    }
  }
  return std::optional<Conflict>();
}

/** The turn of one session of the host: a lock of the host directory, which all sessions have in common. */
Result<UniqueFd> take_turn(const std::string& host_directory) {
  UniqueFd directory(::open(host_directory.c_str(), kReadFolder));
  if (!directory) return last_error(kStep, "open", host_directory);
  BackOff back_off(kTurnBound);
  while (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK && back_off.wait()) continue;
    auto error = last_error(kStep, "flock", host_directory);
    if (error.err == EWOULDBLOCK) error.detail = "another program has been opening a session for too long";
    return error;
  }
  return directory;
}

/**
 * The session's own mount of the output does not show a mount of the host in it, so the build's files would lie hidden
 * below that. And on Linux a folder is no mount point in a mount namespace where nothing is mounted on it: the build
 * could rename or remove it, and so take away the host's mount (umount(2), rename(2)).
 */
Status refuse_mounts_in_outputs(const std::vector<ShownSource>& own) {
  for (const ShownSource& output : own) {
    if (output.mounted.empty()) continue;
    return SysError{.step = kStep,
                    .syscall = "mount",
                    .err = ENOTSUP,
                    .path = output.path,
                    .dest = output.mounted,
                    .detail = "'" + output.mounted +
                              "' is mounted in the output: files of the build would lie hidden below it, and the build "
                              "could take the mount away; unmount it, or declare folders without a mount in them"};
  }
  return {};
}

/** For the sources of one session. */
Status refuse_nested(const std::vector<ShownSource>& own) {
  for (const ShownSource& output : own) {
    if (output.kind != Kind::kOutput) continue;
    for (const ShownSource& other : own) {
      if (&other == &output) continue;
      const bool is_around = is_below(other, output);
      if (!is_around && !is_same(other, output)) continue;
      return nested(output, other,
                    "the " + name_of(output) + (is_around ? " lies around the " : " is the same folder as the ") +
                        name_of(other) + ", so the build could change that");
    }
  }
  return {};
}

Status refuse_leases(const std::vector<ShownSource>& shown, const std::string& leases) {
  for (const ShownSource& source : shown) {
    for (const std::string& path : {source.path, source.origin}) {
      if (!is_within(path, leases) && !buildjail::is_below(leases, path)) continue;
      return SysError{.step = kStep,
                      .syscall = "lstat",
                      .err = EPERM,
                      .path = source.path,
                      .dest = leases,
                      .detail = "the directory of leases lies in it or around it, and no session may show that"};
    }
  }
  return {};
}

/** A plan knows the host's toolchain by its path only. */
Kind kind_of(const Bind& bind) {
  if (bind.is_writable) return Kind::kOutput;
  return bind.dev == 0 && bind.ino == 0 ? Kind::kToolchain : Kind::kInput;
}

std::vector<ShownSource> shown(const std::vector<const Bind*>& binds, const Nesting& nesting) {
  std::map<const Bind*, std::vector<std::string>> covered;
  for (const auto& [inner, outer] : nesting) covered[outer].emplace_back(mount_point_in(*outer, *inner));
  std::vector<ShownSource> sources;
  sources.reserve(binds.size());
  for (const Bind* const bind : binds)
    sources.push_back(
        {.kind = kind_of(*bind), .path = bind->source, .origin = bind->source, .covered = std::move(covered[bind])});
  return sources;
}

std::string file_of(const std::string& host_directory, const std::string& id) {
  return host_directory + "/" + std::string(kPrefix) + id;
}

}  // namespace

bool DeadSession::is_listed() const {
  const auto listed = holder_of(kStep, file_of(entry.host_directory, entry.id));
  return listed && *listed == holder();
}

SourceList::SourceList(const Lessee& lessee, const std::vector<const Bind*>& earlier,
                       const std::vector<const Bind*>& added, const Nesting& nesting, LookAtMounts look_at_mounts)
    : file_(file_of(lessee.host_directory, lessee.session.id)),
      lessee_(&lessee),
      earlier_(shown(earlier, {})),
      added_(shown(added, nesting)),
      look_at_mounts_(std::move(look_at_mounts)) {}

SourceList::SourceList(const std::string& host_directory, const std::string& id)
    : file_(file_of(host_directory, id)), is_listed_(true) {}

void SourceList::add_planned(const Opening& opening, Parts& parts) {
  const auto earlier = opening.is_rest ? sources_of(opening.plan.steps) : std::vector<const Bind*>();
  parts.push_back(std::make_unique<SourceList>(opening.lessee, earlier, sources_of(opening.steps), opening.nesting,
                                               opening.look_at_mounts));
}

Status SourceList::add_left(const DeadSession& dead, Parts& parts) {
  const JournalEntry& entry = dead.entry;
  // defence: recovery-own-list
  if (dead.is_listed()) parts.push_back(std::make_unique<SourceList>(entry.host_directory, entry.id));
  return {};
}

Status SourceList::make(Trace&) {
  for (auto* const list : {&earlier_, &added_}) {
    if (auto status = look_at_mounts_(*list); !status) return status;
  }
  std::vector<ShownSource> all = earlier_;
  all.insert(all.end(), added_.begin(), added_.end());
  if (auto status = refuse_nested(all); !status) return status;
  // defence: no-output-something-host
  if (auto status = refuse_mounts_in_outputs(added_); !status) return status;
  // defence: leases-sessions-shown-none
  if (auto status = refuse_leases(added_, lessee_->host_directory); !status) return status;
  is_listed_ = true;
  return add_to_list();
}

Status SourceList::add_to_list() const {
  for (;;) {
    std::optional<Conflict> conflict;
    {
      const auto turn = take_turn(lessee_->host_directory);
      if (!turn) return turn.error();
      const auto names = names_in(lessee_->host_directory);
      if (!names) return names.error();
      for (const std::string& name : *names) {
        const std::string file = lessee_->host_directory + "/" + name;
        // defence: no-output-lies-inside
        if (!name.starts_with(kPrefix) || file == file_) continue;
        auto found = conflict_with(file, added_);
        if (!found) return std::move(found.error());
        if (!*found) continue;
        conflict = std::move(*found);
        break;
      }
      if (!conflict) {
        const UniqueFd fd(::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!fd) return last_error(kStep, "open", file_);
        return append(kStep, file_, fd.get(), line_of(lessee_->session) + lines_of(added_));
      }
    }
    // Not in our turn, because a recovery can take long.
    auto& [error, with] = *conflict;
    const Outcome found = lessee_->recovery_of(with.state_directory).recover(with.id, kHolderBound);
    if (found.standing == Standing::kLive) error.detail += ", which is live";
    if (found.standing == Standing::kNotRecovered)
      error.detail += ", which is dead and could not be recovered: " + found.leftovers.back().reason;
    if (found.standing == Standing::kLive || found.standing == Standing::kNotRecovered) return std::move(error);
    const std::string left = file_of(lessee_->host_directory, with.id);
    if (::unlink(left.c_str()) != 0 && errno != ENOENT) return last_error(kStep, "unlink", left);
  }
}

Status SourceList::take_away(TakingAway&) {
  if (!is_listed_) return {};
  if (::unlink(file_.c_str()) != 0 && errno != ENOENT) return last_error(kStep, "unlink", file_);
  return {};
}

}  // namespace buildjail
