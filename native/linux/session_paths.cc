#include "linux/session_paths.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "base/tolerated.h"
#include "linux/path_names.h"
#include "linux/raw_calls.h"

namespace buildjail {

namespace {

constexpr std::size_t kMostStraightened = 1'000;
/** The kernel's bound for one look-up (path_resolution(7)). */
constexpr std::size_t kMostLinks = 40;

/** A file in the session, or the errno of the look-up. */
Pinned pin_by(const UniqueFd& folder, const std::string& path, int flags, std::uint64_t resolve, Doubt& doubt) {
  constexpr int kTries = 4;
  const raw::OpenHow how{.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC, .resolve = resolve};
  int err = 0;
  // While a folder is being renamed, the result of `..` is uncertain (openat2(2), EAGAIN).
  for (int tries = 0; tries < kTries; ++tries) {
    const int fd = raw::openat2(folder.get(), path.c_str(), how);
    if (fd >= 0) return {.file = UniqueFd(fd)};
    err = errno;
    if (err != EAGAIN && err != EINTR) break;
  }
  doubt.note(err, {ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EACCES, ENXIO, EAGAIN, EXDEV});
  return {.file = {}, .err = err};
}

std::string real_path(const UniqueFd& file, Doubt& doubt) {
  return read_link("/proc/self/fd/" + std::to_string(file.get()), doubt).value_or(std::string());
}

/** Empty if it is no link. */
std::string text_of_link(const UniqueFd& file, Doubt& doubt) {
  std::array<char, PATH_MAX> text{};
  const Tolerated tolerated("the call is counted as lost");
  const ssize_t size = ::readlinkat(file.get(), "", text.data(), text.size());
  // EINVAL: the file is no link (readlink(2)).
  if (size < 0) doubt.note(errno, {EINVAL, ENOENT});
  return size <= 0 ? std::string() : std::string(text.data(), static_cast<std::size_t>(size));
}

/** Where the names of a path end. */
std::vector<std::size_t> ends_of(const std::string& path) {
  std::vector<std::size_t> ends;
  for (std::size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1))
    ends.push_back(end);
  ends.push_back(path.size());
  return ends;
}

bool is_missing(int err) { return err == ENOENT || err == ENOTDIR || err == ELOOP || err == ENAMETOOLONG; }

int access_for(Use use) {
  if (use == Use::kRead) return R_OK;
  if (use == Use::kWrite) return W_OK;
  return use == Use::kExecute ? X_OK : F_OK;
}

/** EROFS, or EACCES if the rights of this thread are too few; 0 where the use is allowed. */
int refusal_of(const UniqueFd& file, Use use, Doubt& doubt) {
  const int mode = access_for(use);
  // AT_EACCESS: by the ids for files. Before Linux 5.8 there is no such call.
  if (mode == F_OK || ::syscall(439, file.get(), "", mode, AT_EACCESS | raw::kEmptyPath) == 0) return 0;
  const int err = errno;
  doubt.note(err, {EACCES, EROFS, ENOSYS});
  return err == EACCES || err == EROFS ? err : 0;
}

}  // namespace

std::optional<std::string> read_link(const std::string& path, Doubt& doubt) {
  std::array<char, PATH_MAX> text{};
  const ssize_t size = ::readlink(path.c_str(), text.data(), text.size());
  // The descriptor is closed, or its process has ended.
  if (size < 0) doubt.note(errno, {ENOENT});
  if (size <= 0 || text.front() != '/') return std::nullopt;
  return std::string(text.data(), static_cast<std::size_t>(size));
}

LastingPlaces::LastingPlaces(const EnvelopePlan& plan, const std::vector<Step>& rest)
    : is_any_(!plan.allowed.has(Allowance::kUserNamespaces)) {
  const auto add = [this](const Step& step) {
    if (const auto* const bind = std::get_if<Bind>(&step))
      places_.push_back({bind->target, !bind->is_writable && !bind->is_overlay});
    if (const auto* const tmpfs = std::get_if<MountTmpfs>(&step)) places_.push_back({tmpfs->target, false});
    if (const auto* const dev = std::get_if<MountDev>(&step)) places_.push_back({dev->target, false});
    if (const auto* const proc = std::get_if<MountProc>(&step)) places_.push_back({proc->target, false});
  };
  std::ranges::for_each(plan.steps, add);
  if (&rest != &plan.steps) std::ranges::for_each(rest, add);
}

// The root itself is read-only (seal.cc).
std::string_view LastingPlaces::around(std::string_view path) const {
  bool lasts = is_any_;
  std::string_view nearest = "/";
  for (const Place& place : places_) {
    if (place.target.size() < nearest.size() || !is_within(path, place.target)) continue;
    nearest = place.target;
    lasts = is_any_ && place.lasts;
  }
  return lasts ? nearest : std::string_view();
}

Pinned SessionPaths::pin(const std::string& path, int flags, Doubt& doubt) const {
  constexpr std::uint64_t kInRoot = 0x10;
  // defence: trace-looks-in-root
  constexpr std::uint64_t kResolve = kInRoot | raw::kResolveNoMagicLinks;
  return pin_by(root_, path, flags, kResolve, doubt);
}

std::optional<SessionPaths::Stop> SessionPaths::stop_of(std::string path, bool follows, Doubt& doubt) const {
  for (std::size_t links = 0; links <= kMostLinks; ++links) {
    const auto ends = ends_of(path);
    const auto last = ends.end() - 1;
    auto missing = last;
    Pinned above = pin(parent_of(path), O_PATH, doubt);
    // In most cases only the last name is missing. Otherwise thousands of them may be.
    if (!above.file) {
      const auto is_there = [&](std::size_t end) {
        return static_cast<bool>(pin(path.substr(0, end), O_PATH, doubt).file);
      };
      missing = std::partition_point(ends.begin(), last, is_there);
      above = pin(missing == ends.begin() ? "/" : path.substr(0, *(missing - 1)), O_PATH, doubt);
    }
    std::string folder = above.file ? real_path(above.file, doubt) : std::string();
    if (folder.empty()) return std::nullopt;
    const std::size_t begin = missing == ends.begin() ? 0 : *(missing - 1);
    if (is_within(folder, "/proc")) return Stop{.path = in_folder(folder, path.substr(begin)), .is_in_proc = true};
    const std::string name = path.substr(begin, *missing - begin);
    std::string rest = path.substr(*missing);
    // There is no folder to go up from (path_resolution(7), ENOTDIR).
    if (name == "/..") return Stop{.path = folder};
    const bool is_held = missing == last && !follows;
    const Pinned link = is_held ? Pinned() : pin(path.substr(0, *missing), O_PATH | O_NOFOLLOW, doubt);
    const std::string text = link.file ? text_of_link(link.file, doubt) : std::string();
    if (text.empty()) {
      std::string at = in_folder(folder, name);
      return Stop{.path = std::move(at), .rest = std::move(rest)};
    }
    path = text.front() == '/' ? std::string() : folder + "/";
    path += text;
    path += rest;
    path = plain(path);
  }
  return std::nullopt;
}

std::vector<std::string> SessionPaths::turns_of(std::string_view path, Doubt& doubt) const {
  std::vector<std::string> turns;
  std::string at;
  bool is_turning = false;
  while (!path.empty()) {
    const std::string_view name = cut(path, '/');
    if (name.empty()) continue;
    if (name != "..") {
      at.append("/").append(name);
      is_turning = false;
      continue;
    }
    if (at.empty()) continue;
    const Pinned folder = pin(at, O_PATH | O_DIRECTORY, doubt);
    const std::string real = folder.file ? real_path(folder.file, doubt) : std::string();
    if (real.empty()) {
      std::ranges::move(links_of(at, true, doubt), std::back_inserter(turns));
      break;
    }
    // The folders above were passed on the way to it.
    if (!is_turning && std::ranges::find(turns, at) == turns.end()) turns.push_back(at);
    is_turning = true;
    at = parent_of(real);
    if (at == "/") at.clear();
  }
  return turns;
}

// One name after the other, from the folder before: a build can choose a path with thousands of names, forty times.
std::vector<std::string> SessionPaths::links_of(std::string path, bool follows, Doubt& doubt) const {
  std::vector<std::string> links;
  std::string at;
  Pinned folder = pin("/", O_PATH, doubt);
  std::string_view rest = path;
  while (folder.file && !rest.empty() && links.size() <= kMostLinks) {
    const std::string name(cut(rest, '/'));
    const bool is_up = name == "..";
    if (name.empty() || name == "." || (is_up && at.empty())) continue;
    const bool is_held = !follows && links.empty() && rest.find_first_not_of('/') == std::string_view::npos;
    if (is_held) break;
    Pinned found = pin_by(folder.file, name, O_PATH | O_NOFOLLOW, raw::kResolveNoMagicLinks, doubt);
    const std::string text = found.file ? text_of_link(found.file, doubt) : std::string();
    std::string next = is_up ? parent_of(at) : at;
    if (is_up && next == "/") next.clear();
    if (!is_up) next.append("/").append(name);
    if (text.empty()) {
      at = std::move(next);
      folder = std::move(found);
      continue;
    }
    links.push_back(std::move(next));
    if (text.front() == '/') {
      at.clear();
      folder = pin("/", O_PATH, doubt);
    }
    path = text + "/" + std::string(rest);
    rest = path;
  }
  // Links in the root itself are the plan's.
  std::erase_if(links, [this](const std::string& link) { return places_.around(link) == "/"; });
  return links;
}

// A link on the way may lead to a place that changes, and back. A folder may be closed to one caller only.
bool SessionPaths::lasts(const std::string& path, Doubt& doubt) const {
  const std::string_view place = places_.around(path);
  if (place.empty()) return false;
  const Pinned top = pin(std::string(place), O_PATH, doubt);
  if (!top.file) return false;
  std::string_view rest = std::string_view(path).substr(place.size());
  rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
  // defence: trace-remembers-what-lasts
  constexpr std::uint64_t kStays = raw::kResolveBeneath | raw::kResolveNoOtherMount | raw::kResolveNoMagicLinks;
  const Pinned found = pin_by(top.file, rest.empty() ? "." : std::string(rest), O_PATH, kStays, doubt);
  return found.file || is_missing(found.err);
}

void SessionPaths::lead(WantedPath& wanted, const Straight& straight, const std::string& name) {
  if (straight.is_stop)
    wanted = {.path = straight.path, .use = Use::kLook, .follows = true};
  else
    wanted.path = name.empty() ? straight.path : in_folder(straight.path, name);
}

void SessionPaths::straighten_again(WantedPath& wanted) const {
  if (!goes_up(wanted.path)) return;
  const auto [folder, name] = folder_and_name(wanted.path);
  const auto known = straight_.find(folder);
  if (known == straight_.end()) return;
  lead(wanted, known->second, name);
}

bool SessionPaths::straighten(WantedPath& wanted, Doubt& doubt) {
  const auto [folder, name] = folder_and_name(wanted.path);
  if (!goes_up(folder)) return true;
  std::optional<Straight> straight;
  if (const Pinned found = pin(folder, O_PATH, doubt); found.file) {
    straight = {.path = real_path(found.file, doubt)};
    if (straight->path.empty()) return false;
  } else {
    // Where a folder is missing before `..`, the kernel looks no further (path_resolution(7), ENOENT).
    const auto stop = stop_of(wanted.path, wanted.follows, doubt);
    if (!stop || stop->is_in_proc) return false;
    const bool is_stop = stop->rest.empty() || goes_up(stop->rest);
    straight = {.path = is_stop ? stop->path : parent_of(stop->path + stop->rest), .is_stop = is_stop};
  }
  const bool is_kept = straight_.size() < kMostStraightened && lasts(folder, doubt);
  lead(wanted, *straight, name);
  if (leads_out_of_proc(through_devices(wanted.path))) return false;
  if (is_kept) straight_.emplace(folder, std::move(*straight));
  return true;
}

std::optional<Lookup> SessionPaths::found_at(const WantedPath& wanted, Doubt& doubt) const {
  Lookup lookup{.path = wanted.path, .use = wanted.use, .follows = wanted.follows};
  // The kernel makes these files, and shows each process different ones.
  if (is_within(lookup.path, "/proc")) return lookup;
  const Pinned found = pin(lookup.path, O_PATH | (wanted.follows ? 0 : O_NOFOLLOW), doubt);
  if (found.file) {
    std::string real = real_path(found.file, doubt);
    lookup.lasts = real == lookup.path ? !places_.around(real).empty() : lasts(lookup.path, doubt);
    // The mode of the folder decides who may make, rename or remove a file.
    const int refusal = wanted.must_be_made ? 0 : refusal_of(found.file, wanted.use, doubt);
    if (refusal == EROFS || (refusal != 0 && wanted.is_opened)) lookup.found = Found::kRefused;
    // Another caller may have other rights.
    if (refusal == EACCES) lookup.lasts = false;
    if (real != lookup.path) lookup.leads_to = std::move(real);
    return lookup;
  }
  // The file behind a descriptor is looked up by its own path.
  if (through_devices(lookup.path) != lookup.path) return lookup;
  lookup.found = is_missing(found.err) ? Found::kMissing : Found::kRefused;
  const auto stop = stop_of(lookup.path, lookup.follows, doubt);
  if (!stop) return lookup;
  std::string real = stop->path + stop->rest;
  if (stop->is_in_proc) {
    if (leads_out_of_proc(real) || (wanted.use != Use::kLook && is_descriptor(real))) return std::nullopt;
    lookup.found = Found::kThere;
    lookup.leads_to = std::move(real);
    return lookup;
  }
  lookup.lasts = lasts(lookup.path, doubt);
  if (wanted.may_be_made && lookup.lasts) lookup.found = Found::kRefused;
  // A file may appear where the links lead.
  if (real != lookup.path) lookup.leads_to = std::move(real);
  return lookup;
}

}  // namespace buildjail
