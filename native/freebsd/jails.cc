#include "freebsd/jails.h"

#include <sys/jail.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/back_off.h"
#include "base/tolerated.h"
#include "freebsd/iovec_list.h"
#include "freebsd/processes.h"

namespace buildjail {

namespace {

// The number of jail_remove_jd(2) (syscalls.master). A binary that is linked against the function does not load on 14.
constexpr int kJailRemoveJd = 598;

// JAIL_OWN_DESC of 15.0 (jail(2)), which the headers of 14 lack, too.
constexpr int kJailOwnDesc = 0x80;

constexpr const char* kStep = "jail_set";
/** The time in which processes end that are killed. */
constexpr std::chrono::milliseconds kEndsBound{100};

void add_network(const PlannedNetwork& network, const JailAbilities& abilities, IovecList& options) {
  // A jail with its own stack cannot also be restricted to addresses of the host (jail(8), EINVAL).
  if (has_own_stack(network)) return options.add_int("vnet", JAIL_SYS_NEW);
  // defence: jail-no-network
  const int families = network.kind == PlannedNetwork::Kind::kNone ? JAIL_SYS_DISABLE : JAIL_SYS_INHERIT;
  for (const char* family : {"ip4", "ip6"}) {
    if (abilities.knows(family)) options.add_int(family, families);
  }
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
  for (const char* kind : {"sysvmsg", "sysvsem", "sysvshm"}) {
    // defence: jail-no-system-v
    if (abilities.knows(kind)) options.add_int(kind, JAIL_SYS_DISABLE);
  }
  // defence: jail-no-permission-kernel
  for (const std::string& refusal : abilities.refusals) options.add_flag(refusal);
  if (abilities.knows("meta")) options.add_string("meta", config.meta);
  return options;
}

}  // namespace

bool has_own_stack(const PlannedNetwork& network) {
  // defence: network-jail-own-loopback
  return network.kind != PlannedNetwork::Kind::kNone && !network.is_host();
}

Result<JailReference> reference_to(int jid, const std::string& root) {
  struct stat found{};
  if (::stat(root.c_str(), &found) != 0) return last_error(kStep, "stat", root);
  return JailReference{.jid = jid, .dev = found.st_dev, .ino = found.st_ino};
}

Status remove_jail_by(int descriptor) {
  return ::syscall(kJailRemoveJd, descriptor) == 0 ? Status() : last_error("jail_remove", "jail_remove_jd");
}

Result<cpuset_t> processors_of(int jid) {
  cpuset_t found{};
  if (::cpuset_getaffinity(CPU_LEVEL_WHICH, CPU_WHICH_JAIL, jid, sizeof(found), &found) == 0) return found;
  return last_error("cpuset", "cpuset_getaffinity");
}

Status set_processors_of(int jid, const cpuset_t& processors) {
  if (::cpuset_setaffinity(CPU_LEVEL_WHICH, CPU_WHICH_JAIL, jid, sizeof(processors), &processors) == 0) return {};
  return last_error("cpuset", "cpuset_setaffinity");
}

Result<std::unique_ptr<Jail>> Jail::create(const JailConfig& config, const JailAbilities& abilities) {
  auto root = reference_to(-1, config.path);
  if (!root) return std::move(root.error());
  IovecList options = options_of(config, abilities);
  const std::size_t desc = options.size() / 2;
  if (abilities.has_descriptors) options.add_int("desc", -1);
  const int jid = options.call(::jail_set, JAIL_CREATE | (abilities.has_descriptors ? kJailOwnDesc : 0));
  if (jid < 0) return options.error(kStep, "jail_set", config.name);
  root->jid = jid;
  auto jail = std::make_unique<Jail>(*root, config.name, config.path);
  if (abilities.has_descriptors) {
    jail->owner_.reset(options.number(desc));
    // The kernel makes it without close-on-exec, and a holder may enter and change the jail.
    if (::fcntl(jail->owner_.get(), F_SETFD, FD_CLOEXEC) != 0) return last_error(kStep, "fcntl", config.name);
  }
  return jail;
}

// By the descriptor, or by the number after a look, because the number may be another jail's by now.
Status Jail::remove() {
  if (is_removed_) return {};
  if (owner_) {
    // ENOENT: it was removed already (jail(2)).
    if (auto status = remove_jail_by(owner_.get()); !status && status.error().err != ENOENT) return status;
  } else {
    const auto found = find();
    if (!found) return found.error();
    // EINVAL: it was removed meanwhile (jail(2)).
    if (*found && (**found).jid == jid() && ::jail_remove(jid()) != 0 && errno != EINVAL)
      return last_error("jail_remove", "jail_remove");
  }
  is_removed_ = true;
  removed_ = std::chrono::steady_clock::now();
  owner_.reset();
  return {};
}

// SIGSTOP stops a process that was killed and has not ended by then (tdsendsignal in sys/kern/kern_sig.c).
void Jail::kill_again() const {
  const auto now = std::chrono::steady_clock::now();
  if (!is_removed_ || now < removed_ + kEndsBound) return;
  const auto found = find();
  // defence: jail-killed-until-empty
  if (found && *found) static_cast<void>(signal_each_in((**found).jid, SIGKILL));
}

bool Jail::is_known() const {
  if (is_gone_) return false;
  const Tolerated tolerated("a jail that cannot be asked for is taken to be there, and waited for");
  const auto found = find();
  return !found || *found;
}

Status Jail::wait_empty(std::chrono::milliseconds bound) {
  const Tolerated tolerated("while it is not known that no process is left, it is waited for");
  BackOff back_off(bound);
  for (;;) {
    const auto found = find();
    is_gone_ = found && !*found;
    if (is_gone_) return {};
    const auto occupied = found ? has_processes((**found).jid) : Result<bool>(true);
    if (occupied && !*occupied) return {};
    kill_again();
    if (!back_off.wait()) {
      return SysError{
          .step = "empty-jail", .syscall = "jail_remove", .err = EBUSY, .detail = "a process of the jail does not end"};
    }
  }
}

Result<bool> Jail::is_root_privileged() const {
  IovecList options;
  options.add_string("name", name_);
  options.add_int("allow.suser", 0);
  if (options.call(::jail_get, 0) >= 0) return options.number(1) != 0;
  // ENOENT: it was removed, with all processes in it (jail(2)).
  if (errno == ENOENT) return true;
  return options.error("jail_get", "jail_get", name_);
}

Status Jail::privilege_root() const {
  IovecList options;
  options.add_string("name", name_);
  options.add_flag("allow.suser");
  if (options.call(::jail_set, JAIL_UPDATE) >= 0 || errno == ENOENT) return {};
  return options.error("jail_set", "jail_set", name_);
}

bool Jail::has_its_number() const {
  const auto found = find();
  return found && *found && (**found).jid == jid();
}

Result<std::optional<FoundJail>> Jail::find() const {
  auto found = find_jail(name_);
  if (found && *found && (**found).path != root_) return std::optional<FoundJail>();
  return found;
}

Result<bool> is_of_session(int jid) {
  IovecList options;
  options.add_int("jid", jid);
  options.add_buffer("name", MAXHOSTNAMELEN);
  if (options.call(::jail_get, JAIL_DYING) >= 0) return options.text(1).starts_with(kJailPrefix);
  // ENOENT: it is gone, and its last process before it (jail(2)).
  if (errno == ENOENT) return true;
  return options.error("jail_get", "jail_get", std::to_string(jid));
}

Result<std::optional<FoundJail>> find_jail(const std::string& name) {
  IovecList options;
  options.add_string("name", name);
  options.add_buffer("path", MAXPATHLEN);
  options.add_int("dying", 0);
  const int jid = options.call(::jail_get, JAIL_DYING);
  if (jid < 0 && errno == ENOENT) return std::optional<FoundJail>();
  if (jid < 0) return options.error("jail_get", "jail_get", name);
  return std::optional(FoundJail{.jid = jid, .path = options.text(1), .is_dying = options.number(2) != 0});
}

}  // namespace buildjail
