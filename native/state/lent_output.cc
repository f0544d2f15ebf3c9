#include "state/lent_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"
#include "state/files.h"
#include "state/tree_walk.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "hand-back";
constexpr mode_t kSetId = S_ISUID | S_ISGID;
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
/** The most marks that are reported one by one, because a build may have put any number on files. */
constexpr std::size_t kMostLeft = 100;
/** The most older folders that are told from others with the set-group-ID bit. */
constexpr std::size_t kMostOlder = 4096;
/** The most names of files that a walk back knows at a time, and the bytes of their paths. */
constexpr std::size_t kMostNames = std::size_t{1} << 18U;
constexpr std::size_t kMostPaths = std::size_t{1} << 20U;

bool is_refusal(int err) { return err == EPERM || err == EACCES || err == EROFS || err == EOPNOTSUPP; }

/** Whether a file may be of use to others outside of the output. */
bool is_anybodys(const FileState& file) { return !S_ISDIR(file.mode) && (file.links > 1 || (file.mode & kSetId) != 0); }

class HandingOver final : public TreeWalk {
 public:
  HandingOver(const LentOutput& before, uid_t uid, gid_t gid)
      : TreeWalk(before.path, kStep), before_(before), uid_(uid), gid_(gid) {}

 private:
  [[nodiscard]] bool may_open_up(const FileState&) const override { return false; }
  [[nodiscard]] bool concerns(const FileState& file) const override {
    return file.uid == before_.uid && !is_anybodys(file);
  }

  // Nothing notes the group of each file, so a group that is not the folder's stays as it is.
  Result<bool> visit(int fd, FileState& file, std::string_view name) override {
    if (!set_owner(fd, uid_, file.gid == before_.gid ? gid_ : file.gid)) return failure(kOwnerCall, name);
    return true;
  }

  const LentOutput& before_;
  uid_t uid_;
  gid_t gid_;
};

/** Ends with EEXIST at the first such file. */
class Looking final : public TreeWalk {
 public:
  explicit Looking(const LentOutput& before) : TreeWalk(before.path, "hand-over"), before_(before) {}

 private:
  [[nodiscard]] bool may_open_up(const FileState&) const override { return false; }
  [[nodiscard]] bool concerns(const FileState& file) const override {
    const bool is_open = S_ISDIR(file.mode) && (file.mode & kOthersWrite) != 0;
    return file.uid != before_.uid || file.gid != before_.gid || is_open || is_anybodys(file);
  }
  Result<bool> visit(int, FileState&, std::string_view name) override {
    errno = EEXIST;
    return failure("fstatat", name);
  }

  const LentOutput& before_;
};

/**
 * Gives the files that a build made in its output to the owner of the folder, and takes the marks and set-id bits that
 * the build put on them. Does not change the folder itself.
 */
class HandingBack final : public TreeWalk {
 public:
  HandingBack(int top, const LentOutput& before, const Lending& lending)
      : TreeWalk(before.path, kStep), before_(before), lending_(lending), marks_(top, before.marks) {}

  /** The first of what is left, and how much that is. */
  std::vector<LeftInOutput> left;
  std::size_t changed = 0;

  Status hand_back(int top) {
    for (;;) {
      told_ = {left.size(), count_};
      auto status = run(top);
      tell_unclaimed();
      if (!status || !next_) {
        if (count_ > left.size())
          left.push_back({before_.path, "and " + std::to_string(count_ - left.size()) + " more"});
        return status;
      }
      first_ = *std::exchange(next_, std::nullopt);
    }
  }

 private:
  using Identity = std::pair<std::uint64_t, std::uint64_t>;
  /** The names of one file that the walk has found so far, by number. */
  struct Met {
    std::int64_t changed_ns = 0;
    std::set<std::uint64_t> names{};
    /** Empty where there was no room for it. */
    std::string path{};
    bool is_of_note = false;
  };

  Status begin() override {
    left.resize(told_.first);
    count_ = told_.second;
    met_.clear();
    met_names_ = 0;
    met_paths_ = 0;
    return {};
  }

  void tell(std::string path, std::string what) {
    if (++count_ <= kMostLeft) left.push_back({std::move(path), std::move(what)});
  }

  /** Reports files that changed while the folder was lent, and that have a name outside of it. */
  void tell_unclaimed() {
    for (auto& [file, met] : met_) {
      if (!met.is_of_note) continue;
      if (met.path.empty())
        ++count_;
      else
        tell(std::move(met.path), "its owner, as it has a name elsewhere");
    }
  }

  void forget(std::map<Identity, Met>::iterator met) {
    met_names_ -= met->second.names.size();
    met_paths_ -= met->second.path.size();
    met_.erase(met);
  }

  /**
   * Leaves files for another walk where there are more than there is room for: those of the higher numbers. The names
   * of one file stay together: few file systems let it have more.
   */
  void make_room() {
    if (met_names_ <= kMostNames || met_.size() == 1) return;
    const auto middle = std::next(met_.begin(), static_cast<std::ptrdiff_t>(met_.size() / 2));
    next_ = middle->first;
    while (met_.rbegin()->first >= *next_) forget(std::prev(met_.end()));
  }

  [[nodiscard]] bool may_open_up(const FileState& folder) const override { return lending_.ids.contains(folder.uid); }
  [[nodiscard]] bool concerns(const FileState& file) const override { return lending_.ids.contains(file.uid); }

  // If no other user has the build's ids, the build made a file with such an id, or was handed it. Otherwise the time
  // of the last change of the inode decides, because no process can set it; on FreeBSD the owner of a file can set its
  // birth time (utimensat(2)). A link to a foreign file changes the inode of that too, but such a file has a name
  // outside of the tree, where no build makes a file. To have a name counted twice, or to have a removed name taken for
  // the only one, a process must move the file or its folder: that changes the inode, or the walk finds the same name
  // again.
  Result<bool> is_claimed(const FileState& file, std::string_view name) {
    if (!lending_.ids.are_shared) return true;
    // defence: files-others-build-did
    if (file.changed_ns < before_.since_ns) return false;
    const bool is_again = first_ != Identity();
    if (S_ISDIR(file.mode)) return !is_again;
    if (is_again && file.links <= 1) return false;
    auto is_still = still_has(file, name);
    if (!is_still || !*is_still || file.links <= 1) return is_still;
    const Identity number{file.dev, file.ino};
    if (number < first_ || (next_ && number >= *next_)) return false;
    const auto [at, is_new] = met_.try_emplace(number);
    Met& met = at->second;
    // defence: few-paths-of-names
    if (is_new && met_paths_ < kMostPaths) {
      met.path = path_of(name);
      met_paths_ += met.path.size();
    }
    if (met.changed_ns != file.changed_ns) {
      met_names_ -= met.names.size();
      met.names.clear();
      met.changed_ns = file.changed_ns;
    }
    met.is_of_note = file.uid != before_.uid || (file.mode & kSetId) != 0;
    if (met.names.insert(number_of(name)).second) ++met_names_;
    // defence: file-name-outside-output
    if (met.names.size() != file.links) {
      make_room();
      return false;
    }
    forget(at);
    return true;
  }

  Result<bool> visit(int fd, FileState& file, std::string_view name) override {
    const auto is_of_build = is_claimed(file, name);
    if (!is_of_build) return is_of_build.error();
    if (!*is_of_build) return true;
    const mode_t mode = file.mode;
    // defence: marks-build-put-files
    if (lending_.takes_marks) {
      if (auto status = take_marks(fd, file, name); !status) return std::move(status.error());
    }
    const bool is_of_group = lending_.ids.contains_group(file.gid);
    const gid_t group = is_of_group ? before_.gid : file.gid;
    const bool is_other = file.uid != before_.uid || file.gid != group;
    // defence: build-made-comes-back
    const bool is_given = lending_.gives_owner && is_other;
    // Before the owner, because a build wrote the file and it must not be set-uid of the owner for a moment. Later
    // builds may read the files of a store and not change them.
    // A user may set the bit for a group of its own only (chmod(2)). So a folder of another group had it before.
    const bool had_bit = !is_of_group && !lending_.ids.are_shared;
    const mode_t kept = S_ISDIR(file.mode) ? (had_bit ? S_ISGID : before_.mode & S_ISGID) : 0;
    // A link can have set-id bits on FreeBSD (lchmod(2)). On Linux it has one mode for good (symlink(7)).
    const bool is_shut = is_given && lending_.is_store && !S_ISLNK(file.mode);
    // defence: build-leaves-store-others
    // defence: set-id-bits-build
    // defence: set-id-bits-link
    const mode_t taken = (kSetId & ~kept) | (is_shut ? kOthersWrite : 0);
    if ((file.mode & taken) != 0) {
      file.mode &= ~taken;
      if (!set_mode(fd, file.mode & ~S_IFMT) && !is_told(name, "its mode")) return failure(kModeCall, name);
    }
    if (is_given && !set_owner(fd, before_.uid, group) && !is_told(name, "its owner")) return failure(kOwnerCall, name);
    if (is_given || file.mode != mode) ++changed;
    return true;
  }

  Status take_marks(int fd, FileState& file, std::string_view name) {
    std::vector<std::string> stays;
    auto status = marks_.take(fd, file, stays);
    if (!status) status.error().path = path_of(name);
    for (std::string& what : stays) tell(path_of(name), std::move(what));
    // If the folder around it has the policy too, that one is reported.
    if (S_ISDIR(file.mode) && file.is_encrypted && !folder().is_encrypted) tell(path_of(name), "encryption policy");
    return status;
  }

  /** Whether the kernel refuses for good, so that this is reported and the walk goes on. */
  bool is_told(std::string_view name, const char* what) {
    if (!is_refusal(errno)) return false;
    tell(path_of(name), what);
    return true;
  }

  const LentOutput& before_;
  const Lending& lending_;
  MarkTaker marks_;
  /** The files with names that are not found yet, by device and inode. */
  std::map<Identity, Met> met_;
  /** The names of all of them, and the bytes of their paths. */
  std::size_t met_names_ = 0;
  std::size_t met_paths_ = 0;
  /** The files of several names that this walk is for: the next one begins with `next_`. */
  Identity first_;
  std::optional<Identity> next_;
  /** How much is left. */
  std::size_t count_ = 0;
  /** What earlier walks have told, and found left. */
  std::pair<std::size_t, std::size_t> told_;
};

/** Takes the set-group-ID bit from the folders that have it because of the session. Does not change the top folder. */
class TakingSetGroupId final : public TreeWalk {
 public:
  TakingSetGroupId(const LentOutput& before, const Lending& lending, const SetGroupIdFolders& folders,
                   std::vector<LeftInOutput>& left)
      : TreeWalk(before.path, kStep), before_(before), lending_(lending), folders_(folders), left_(left) {}

  std::size_t changed = 0;

 private:
  [[nodiscard]] bool may_open_up(const FileState& folder) const override {
    return lending_.ids.contains(folder.uid) || folder.uid == before_.uid;
  }
  [[nodiscard]] bool concerns(const FileState& file) const override {
    return S_ISDIR(file.mode) && (file.mode & S_ISGID) != 0 && folders_.has(file, before_);
  }
  Result<bool> visit(int fd, FileState& file, std::string_view name) override {
    const mode_t mode = file.mode & ~mode_t{S_ISGID};
    if (set_mode(fd, mode & ~mode_t{S_IFMT})) {
      file.mode = mode;
      ++changed;
    } else if (!is_refusal(errno)) {
      return failure(kModeCall, name);
    } else if (left_.size() < kMostLeft) {
      left_.push_back({path_of(name), "its mode"});
    }
    return true;
  }

  const LentOutput& before_;
  const Lending& lending_;
  const SetGroupIdFolders& folders_;
  std::vector<LeftInOutput>& left_;
};

constexpr const char* kKey = "lent";
constexpr mode_t kModeBits = 07777;
constexpr int kOctal = 8;
constexpr int kHexadecimal = 16;

/** Bits of the third word of the fact. */
constexpr unsigned kShared = 1;
constexpr unsigned kGivesOwner = 2;
constexpr unsigned kTakesMarks = 4;
constexpr unsigned kStore = 8;

std::string octal(std::uint32_t bits) {
  std::array<char, 11> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), bits, kOctal);
  return {digits.data(), end};
}

/** Any bytes as a word without a space or a newline; `-` for no bytes. */
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
// With some of these flags the kernel refuses fchown(2) and fchmod(2) to root too, or refuses to move the directory. A
// build cannot set flags of the superuser such as SF_IMMUTABLE (jail(8), allow.chflags; on Linux CAP_LINUX_IMMUTABLE).
// The file system itself sets UF_ARCHIVE.
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

/** Takes away the marks of the build first, because the folder is shut to others until it has its mode. */
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
  // The build may have changed its mode as the owner. fchown(2) by root keeps set-id bits of a directory.
  const bool is_mode_changed = (now.st_mode & kModeBits) != before.mode;
  // defence: lent-folder-comes-back-2
  if (is_mode_changed && ::fchmod(directory, before.mode) != 0) return last_error(kStep, "fchmod", before.path);
  // Lending took its access list, and chmod(2) makes an NFSv4 one anew.
  if (!before.marks.empty()) {
    if (auto status = restore_folders_marks(directory, before, left); !status) return status;
  }
  if (owners_flags(now) != before.flags && set_owners_flags(directory, now, before.flags) != 0)
    return last_error(kStep, "fchflags", before.path);
  return {};
}

constexpr mode_t owners_only(mode_t mode) { return (mode & ~mode_t{S_IRWXG | S_IRWXO}) | S_IRWXU; }

constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/** Also opens a folder that a build has shut to its owner, who is not root. Empty with errno set. */
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

Result<bool> holds_files_of_others(int top, const LentOutput& before) {
  if ((before.mode & kOthersWrite) != 0) return true;
  auto looked = Looking(before).run(top);
  if (looked) return false;
  if (looked.error().err == EEXIST) return true;
  return std::move(looked.error());
}

Status hand_over_tree(int top, const LentOutput& before, uid_t uid, gid_t gid) {
  return HandingOver(before, uid, gid).run(top);
}

Result<bool> may_shut(uid_t uid, gid_t gid, mode_t mode) {
  if (::geteuid() == 0) return true;
  if (::geteuid() != uid) return false;
  if ((mode & S_ISGID) == 0) return true;
#ifdef __linux__
  std::vector<gid_t> groups(NGROUPS_MAX);
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  if (count < 0) return last_error({}, "getgroups");
  groups.resize(static_cast<std::size_t>(count));
  return ::getegid() == gid || std::ranges::find(groups, gid) != groups.end();
#else
  // Sessions on FreeBSD are root's.
  static_cast<void>(gid);
  return false;
#endif
}

Status shut_to_others(int directory, const LentOutput& before) {
  const mode_t shut = owners_only(before.mode);
  // defence: output-shut-others-host
  if (shut != before.mode && ::fchmod(directory, shut) != 0) return last_error({}, "fchmod", before.path);
  std::vector<Mark> others = before.marks;
  if (std::erase_if(others, is_access_list) == 0) return {};
  std::vector<std::string> stays;
  // defence: access-list-goes-while-lent
  auto status = restore_marks(directory, others, stays);
  if (status && !stays.empty())
    status =
        SysError{.step = {}, .syscall = "removexattr", .err = EPERM, .detail = "it has an access list, which stays"};
  if (!status) {
    status.error().step.clear();
    status.error().path = before.path;
    return status;
  }
  // Without its list, a folder may have the group's entry in its mode (acl(3)).
  return ::fchmod(directory, shut) == 0 ? Status() : last_error({}, "fchmod", before.path);
}

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
  std::string value =
      numbers_text({ids.first, ids.count, ids.gid, what, output.dev, output.ino, output.uid, output.gid});
  value += octal(output.mode) + " " + octal(output.flags) + " " + std::to_string(output.since_ns);
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
  const bool is_read = fact.part == kLentOutput && fact.key == kKey &&
                       read_numbers(rest, lending.ids.first, lending.ids.count, lending.ids.gid, what, before.dev,
                                    before.ino, before.uid, before.gid) &&
                       read_number(cut(rest, ' '), before.mode, kOctal) &&
                       read_number(cut(rest, ' '), before.flags, kOctal) && read_numbers(rest, before.since_ns) &&
                       read_marks(rest, before.marks) && what <= (kShared | kGivesOwner | kTakesMarks | kStore) &&
                       rest.starts_with('/');
  if (!is_read) return std::nullopt;
  lending.ids.are_shared = (what & kShared) != 0;
  lending.gives_owner = (what & kGivesOwner) != 0;
  lending.takes_marks = (what & kTakesMarks) != 0;
  lending.is_store = (what & kStore) != 0;
  before.path = rest;
  return noted;
}

void SetGroupIdFolders::add(const FileState& folder, bool is_in_memory) {
  if (is_in_memory)
    devices_in_memory_.insert(folder.dev);
  else
    has_others_ = true;
  // The others are told from their birth.
  if ((folder.mode & S_ISGID) != 0 || folder.born_ns >= since_ns_) return;
  if (older_.size() < kMostOlder)
    older_.emplace(folder.dev, folder.ino);
  else
    has_more_ = true;
}

// A folder may lie on another device than its output: a subvolume of btrfs, which a build can make, has its own.
bool SetGroupIdFolders::may_be_in(const LentOutput& output) const {
  // What is made in it has the bit by that, and keeps it in every output.
  if ((output.mode & S_ISGID) != 0) return false;
  return has_others_ || devices_in_memory_.contains(output.dev);
}

bool SetGroupIdFolders::has(const FileState& folder, const LentOutput& output) const {
  if (folder.changed_ns < output.since_ns) return false;
  if (has_more_ || folder.born_ns == 0 || folder.born_ns >= output.since_ns) return true;
  return older_.contains({folder.dev, folder.ino});
}

Status restore(int directory, const NotedOutput& noted, std::vector<LeftInOutput>& left, std::size_t& changed,
               const SetGroupIdFolders* set_group_id) {
  const LentOutput& before = noted.before;
  struct stat now{};
  if (::fstat(directory, &now) != 0) return last_error(kStep, "fstat", before.path);
  if (!is_as_before(now, before)) ++changed;
  // defence: lent-folder-comes-back-3
  if (owners_flags(now) != 0 && set_owners_flags(directory, now, 0) != 0)
    return last_error(kStep, "fchflags", before.path);
  // The build may have shut the folder to its owner, who is not root; and opened it to others, who could move its
  // folders under the walk.
  const mode_t mode = now.st_mode & kModeBits;
  const auto may = may_shut(now.st_uid, now.st_gid, mode);
  if (!may) return may.error();
  // defence: output-shut-before-walk
  if (*may && mode != owners_only(mode) && ::fchmod(directory, owners_only(mode)) != 0)
    return last_error(kStep, "fchmod", before.path);
  // The folder comes back after its last file, so that no other user can enter it meanwhile.
  if (noted.lending.gives_owner || noted.lending.takes_marks) {
    HandingBack walk(directory, before, noted.lending);
    auto status = walk.hand_back(directory);
    std::ranges::move(walk.left, std::back_inserter(left));
    changed += walk.changed;
    if (!status) return status;
  } else if (set_group_id != nullptr && set_group_id->may_be_in(before)) {
    TakingSetGroupId walk(before, noted.lending, *set_group_id, left);
    // defence: set-gid-folders-lose-bit
    auto status = walk.run(directory);
    changed += walk.changed;
    if (!status) return status;
  }
  return restore_folder(directory, noted, left);
}

bool is_changed(const LentOutput& before) {
  struct stat now{};
  if (::lstat(before.path.c_str(), &now) != 0) return false;
  return now.st_ino == before.ino && static_cast<std::uint64_t>(now.st_dev) == before.dev && !is_as_before(now, before);
}

Result<HandBack> hand_back(const NotedOutput& noted, std::vector<LeftInOutput>& left) {
  const LentOutput& before = noted.before;
  const UniqueFd directory = open_lent(before);
  if (!directory) {
    if (is_no_such_file(errno)) return HandBack::kLost;
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
