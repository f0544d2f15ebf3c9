#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freebsd/iovec_list.h"
#include "freebsd/jail_parameters.h"

namespace buildjail {

/**
 * A jail of ours, for a child that enters it. jail_attach(2) takes a number, which once the jail is gone may be another
 * one's, as a new jail may ask for any that is free (jail(8), jid); so whoever has entered looks whether the root there
 * is the session's. By a descriptor (15.0, jail_attach_jd(2)) that would not be needed, but each such call of 15.1
 * keeps a reference for good (do_jail_attach drops PD_DEREF), so that the jail would never die.
 */
struct JailReference {
  int jid;
  /** Of its root (stat(2)). */
  dev_t dev;
  ino_t ino;
};

// Jails by descriptor (15.0, jail(2)). Spelled out, as headers of 14 lack them and one binary serves both.

inline constexpr int kJailUseDesc = 0x10;
inline constexpr int kJailAtDesc = 0x20;
inline constexpr int kJailGetDesc = 0x40;
inline constexpr int kJailOwnDesc = 0x80;

/** jail_remove_jd(2). Comes after a look whether the kernel has it: SIGSYS else. */
Status remove_jail_by(int descriptor);

struct JailConfig {
  std::string name;
  std::string path;
  /** Of the directory there (stat(2)). */
  dev_t dev;
  ino_t ino;
  std::string hostname;
  /** Of its family parameters: the host's own, a network stack of its own, or none. */
  enum class Network : std::uint8_t { kNone, kHost, kOwn } network;
  int devfs_ruleset;
  /** For finding it again; where the kernel has such tags (15.0). */
  std::string meta;
};

/** A jail as jail_get(2) finds it. */
struct FoundJail {
  int jid;
  std::string path;
  bool is_dying;
};

/** The jail of that name, be it a dying one; nothing when there is none. */
Result<std::optional<FoundJail>> find_jail(const std::string& name);

/** A jail of ours; removed when this goes, and by the kernel itself when this process goes, where it can (15.0). */
class Jail {
 public:
  static Result<Jail> create(const JailConfig& config, const JailAbilities& abilities);
  /** One of a dead process, to be removed by this one. */
  Jail(const std::string& name, const FoundJail& found)
      : jid_(found.jid), name_(name), root_(found.path), is_removed_(found.is_dying) {}
  Jail(Jail&& other) noexcept;
  Jail& operator=(Jail&&) = delete;
  Jail(const Jail&) = delete;
  Jail& operator=(const Jail&) = delete;
  ~Jail();

  [[nodiscard]] int jid() const noexcept { return jid_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool is_removed() const noexcept { return is_removed_; }
  [[nodiscard]] JailReference reference() const noexcept { return {.jid = jid_, .dev = dev_, .ino = ino_}; }
  /** Kills every process in it; they are gone a little later. Done already: nothing to do. */
  Status remove();
  /** Whether uid 0 has privileges inside: a build that is root can turn that off (sysctl security.bsd.suser_enabled).
   */
  [[nodiscard]] Result<bool> is_root_privileged() const;
  /** Turns it on again, which nobody inside can. */
  [[nodiscard]] Status privilege_root() const;
  /** Whether its number still is its own. */
  [[nodiscard]] bool has_its_number() const;
  /** Whether the kernel still knows it, be it as a dying one; where that cannot be asked, it does. */
  [[nodiscard]] bool is_known() const;
  /**
   * After `remove`: waits until no process is in it. It may itself stay for a while, dying, for a socket's sake
   * (jail(8)).
   */
  [[nodiscard]] Status wait_empty();

 private:
  Jail(int jid, const JailConfig& config)
      : jid_(jid), name_(config.name), root_(config.path), dev_(config.dev), ino_(config.ino) {}

  /** By its name, and with the path of its root: its number may be another one's by now. */
  [[nodiscard]] Result<std::optional<FoundJail>> find() const;
  [[nodiscard]] Status remove_now() const;
  /** Of a call that has just failed. */
  [[nodiscard]] SysError explained(const char* syscall, const IovecList& options) const;

  int jid_ = -1;
  std::string name_;
  std::string root_;
  dev_t dev_ = 0;
  ino_t ino_ = 0;
  /** jail(2), JAIL_OWN_DESC: closing it removes the jail. */
  UniqueFd owner_;
  bool is_removed_ = false;
  /** It was seen to be unknown, which is for good: nobody else makes one of that name. */
  bool is_gone_ = false;
};

}  // namespace buildjail
