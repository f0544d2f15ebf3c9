#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "core/result.h"
#include "core/unique_fd.h"
#include "freebsd/jail_parameters.h"

namespace buildjail {

struct JailConfig {
  std::string name;
  std::string path;
  std::string hostname;
  bool is_host_network;
  int devfs_ruleset;
  /** For finding it again; where the kernel has such tags (15.0). */
  std::string meta;
};

/** A jail of ours; removed when this goes, and by the kernel itself when this process goes, where it can (15.0). */
class Jail {
 public:
  /** `known`: what this kernel has parameters for. */
  static Result<Jail> create(const JailConfig& config, const std::vector<JailParameter>& known);
  Jail(Jail&& other) noexcept;
  Jail& operator=(Jail&&) = delete;
  Jail(const Jail&) = delete;
  Jail& operator=(const Jail&) = delete;
  ~Jail();

  [[nodiscard]] int jid() const noexcept { return jid_; }
  /** Kills every process in it; they are gone a little later. Done already: nothing to do. */
  Status remove();
  /** Whether the kernel still knows it, be it as a dying one. */
  [[nodiscard]] bool is_known() const;

 private:
  Jail(int jid, UniqueFd owner) : jid_(jid), owner_(std::move(owner)) {}

  int jid_ = -1;
  /** jail(2), JAIL_OWN_DESC: closing it removes the jail. */
  UniqueFd owner_;
  bool is_removed_ = false;
};

}  // namespace buildjail
