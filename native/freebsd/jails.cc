#include "freebsd/jails.h"

#include <sys/param.h>
#include <sys/jail.h>
#include <sys/uio.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/back_off.h"
#include "base/tolerated.h"
#include "freebsd/processes.h"

namespace buildjail {

namespace {

// The number of jail_remove_jd(2) (syscalls.master). A binary that is linked against the function does not load on 14.
constexpr int kJailRemoveJd = 598;

constexpr const char* kStep = "jail_set";
constexpr std::chrono::milliseconds kEmptyBound{10000};

void add_network(JailConfig::Network network, const JailAbilities& abilities, IovecList& options) {
  // A jail with its own stack cannot also be restricted to addresses of the host (jail(8), EINVAL).
  if (network == JailConfig::Network::kOwn) return options.add_int("vnet", JAIL_SYS_NEW);
  // defence: jail-no-network
  const int families = network == JailConfig::Network::kHost ? JAIL_SYS_INHERIT : JAIL_SYS_DISABLE;
  for (const std::string& family : abilities.networks) options.add_int(family, families);
}

IovecList options_of(const JailConfig& config, const JailAbilities& abilities) {
  IovecList options;
  options.add_string("name", config.name);
  options.add_string("path", config.path);
  options.add_string("host.hostname", config.hostname);
  options.add_flag("persist");
  // defence: jail-no-file-system
  options.add_int("enforce_statfs", 2);
  // defence: jail-no-jail-inside
  options.add_int("children.max", 0);
  options.add_int("devfs_ruleset", config.devfs_ruleset);
  add_network(config.network, abilities, options);
  // defence: jail-no-system-v
  for (const std::string& kind : abilities.ipc) options.add_int(kind, JAIL_SYS_DISABLE);
  // defence: jail-no-permission-kernel
  for (const std::string& refusal : abilities.refusals) options.add_flag(refusal);
  if (abilities.has_meta) options.add_string("meta", config.meta);
  return options;
}

Status remove_by(int descriptor) {
  // ENOENT: it was removed already (jail(2)).
  auto status = remove_jail_by(descriptor);
  if (!status && status.error().err == ENOENT) return {};
  return status;
}

}  // namespace

Status remove_jail_by(int descriptor) {
  return ::syscall(kJailRemoveJd, descriptor) == 0 ? Status() : last_error("jail_remove", "jail_remove_jd");
}

Result<Jail> Jail::create(const JailConfig& config, const JailAbilities& abilities) {
  IovecList options = options_of(config, abilities);
  int flags = JAIL_CREATE;
  std::size_t desc = 0;
  if (abilities.has_descriptors) {
    flags |= kJailOwnDesc;
    desc = options.size() / 2;
    options.add_int("desc", -1);
  }
  options.add_errmsg();

  const int jid = ::jail_set(options.data(), options.size(), flags);
  if (jid < 0) return options.error(kStep, "jail_set", config.name);
  Jail jail(jid, config);
  if (desc != 0) {
    int fd = -1;
    std::memcpy(&fd, options.value(desc).data(), sizeof(fd));
    jail.owner_.reset(fd);
    // The kernel makes it without close-on-exec, and a holder may enter and change the jail.
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return last_error(kStep, "fcntl", config.name);
  }
  return jail;
}

Jail::Jail(Jail&& other) noexcept
    : jid_(other.jid_),
      name_(std::move(other.name_)),
      root_(std::move(other.root_)),
      dev_(other.dev_),
      ino_(other.ino_),
      owner_(std::move(other.owner_)),
      is_removed_(std::exchange(other.is_removed_, true)),
      is_gone_(other.is_gone_) {}

Jail::~Jail() { static_cast<void>(remove()); }

Status Jail::remove() {
  if (is_removed_) return {};
  if (auto status = remove_now(); !status) return status;
  is_removed_ = true;
  owner_.reset();
  return {};
}

bool Jail::is_known() const {
  if (is_gone_) return false;
  const Tolerated tolerated("a jail that cannot be asked for is taken to be there, and waited for");
  const auto found = find();
  return !found || *found;
}

Status Jail::wait_empty() {
  const Tolerated tolerated("while it is not known that no process is left, it is waited for");
  BackOff back_off(kEmptyBound);
  for (;;) {
    const auto found = find();
    is_gone_ = found && !*found;
    if (is_gone_) return {};
    const auto occupied = found ? has_processes((**found).jid) : Result<bool>(true);
    if (occupied && !*occupied) return {};
    if (!back_off.wait()) {
      return SysError{.step = "empty-jail",
                      .syscall = "jail_remove",
                      .err = EBUSY,
                      .path = {},
                      .dest = {},
                      .detail = "a process of the jail does not end"};
    }
  }
}

Result<bool> Jail::is_root_privileged() const {
  IovecList options;
  options.add_string("name", name_);
  options.add_int("allow.suser", 0);
  options.add_errmsg();
  // ENOENT: it was removed, with all processes in it (jail(2)).
  if (::jail_get(options.data(), options.size(), 0) < 0) {
    if (errno == ENOENT) return true;
    return options.error("jail_get", "jail_get", name_);
  }
  int is_on = 0;
  std::memcpy(&is_on, options.value(1).data(), sizeof(is_on));
  return is_on != 0;
}

Status Jail::privilege_root() const {
  IovecList options;
  options.add_string("name", name_);
  options.add_flag("allow.suser");
  options.add_errmsg();
  if (::jail_set(options.data(), options.size(), JAIL_UPDATE) < 0 && errno != ENOENT)
    return options.error("jail_set", "jail_set", name_);
  return {};
}

bool Jail::has_its_number() const {
  const auto found = find();
  return found && *found && (**found).jid == jid_;
}

// By the descriptor, or by the number after a look, because the number may be another jail's by now.
Status Jail::remove_now() const {
  if (owner_) return remove_by(owner_.get());
  const auto found = find();
  if (!found) return found.error();
  // EINVAL: it was removed meanwhile (jail(2)).
  const bool is_there = *found && (**found).jid == jid_;
  if (is_there && ::jail_remove(jid_) != 0 && errno != EINVAL) return last_error("jail_remove", "jail_remove");
  return {};
}

Result<std::optional<FoundJail>> Jail::find() const {
  auto found = find_jail(name_);
  if (found && *found && (**found).path != root_) return std::optional<FoundJail>();
  return found;
}

Result<std::optional<FoundJail>> find_jail(const std::string& name) {
  IovecList options;
  options.add_string("name", name);
  options.add_buffer("path", MAXPATHLEN);
  options.add_int("dying", 0);
  options.add_errmsg();
  const int jid = ::jail_get(options.data(), options.size(), JAIL_DYING);
  if (jid < 0 && errno == ENOENT) return std::optional<FoundJail>();
  if (jid < 0) return options.error("jail_get", "jail_get", name);
  int is_dying = 0;
  std::memcpy(&is_dying, options.value(2).data(), sizeof(is_dying));
  const auto path = options.value(1);
  const auto* text = reinterpret_cast<const char*>(path.data());
  return std::optional(FoundJail{.jid = jid, .path = {text, ::strnlen(text, path.size())}, .is_dying = is_dying != 0});
}

}  // namespace buildjail
