#include "linux/user_space.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "linux/clone_child.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "user-namespace";

/** The one in it while it is being mapped: only by the entry of a process in /proc does a map get its lines. */
class Occupant {
 public:
  Occupant() : pid_(clone_idle(CLONE_NEWUSER, stack_)) {}
  Occupant(const Occupant&) = delete;
  Occupant& operator=(const Occupant&) = delete;
  Occupant(Occupant&&) = delete;
  Occupant& operator=(Occupant&&) = delete;
  ~Occupant() {
    if (pid_ < 0) return;
    static_cast<void>(::kill(pid_, SIGKILL));
    reap_clone(pid_);
  }

  [[nodiscard]] bool is_there() const noexcept { return pid_ >= 0; }
  [[nodiscard]] std::string path(const char* file) const { return "/proc/" + std::to_string(pid_) + "/" + file; }

 private:
  ChildStack stack_;
  pid_t pid_;
};

/** Of 128 that a user has if nobody has changed it. */
// defence: inotify-instances-session-bounded
constexpr std::string_view kMostInotifyInstances = "32";

Status write_map(const std::string& path, const std::string& text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return last_error(kStep, "open", path);
  if (::write(file.get(), text.data(), text.size()) < 0) return last_error(kStep, "write", path);
  return {};
}

}  // namespace

Result<UniqueFd> make_user_space(const IdMap& map) {
  const Occupant occupant;
  if (!occupant.is_there()) return last_error(kStep, "clone");
  if (auto status = write_map(occupant.path("uid_map"), map_text(map.uids)); !status) return std::move(status.error());
  if (auto status = write_map(occupant.path("gid_map"), map_text(map.gids)); !status) return std::move(status.error());
  const std::string path = occupant.path("ns/user");
  UniqueFd space = above_stdio(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  if (!space) return last_error(kStep, "open", path);
  return space;
}

void bound_what_users_share(int settings) {
  const UniqueFd file(::openat(settings, "max_inotify_instances", O_WRONLY | O_CLOEXEC));
  if (file) static_cast<void>(::write(file.get(), kMostInotifyInstances.data(), kMostInotifyInstances.size()));
}

}  // namespace buildjail
