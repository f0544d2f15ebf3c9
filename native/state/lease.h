#pragma once

#include <sys/file.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "state/recovery.h"

namespace buildjail {

// A lease is a file in the host directory that names the session which has the leased object. It is locked while that
// session lives, by a descriptor that init may share and that then outlives this process. If the lock is free, the
// session is dead.

/** The session that has a lease, as the file of the lease names it. */
struct LeaseHolder {
  std::string id;
  std::string state_directory;
  bool operator==(const LeaseHolder&) const = default;
};

/** A session that takes leases. */
struct Lessee {
  /** The directory of leases (host_directory()). */
  std::string host_directory;
  LeaseHolder session;
  /** Recovers the dead sessions of a state directory. */
  std::function<Recovery(const std::string& state_directory)> recovery_of;
};

/** The line in the file of a lease. */
std::string line_of(const LeaseHolder& holder);
/** The holder in the file of a lease; empty if the first line has another form or no end. */
std::optional<LeaseHolder> holder_in(std::string_view text);
/** `session 4b1f0c9e8d7a6532 of /var/run/buildjail`, for people. */
std::string name_of(const LeaseHolder& holder);

/**
 * Locks a lease; a dead session that had it is recovered first. EBUSY, with the name of the holder, if a live session
 * has it. `kind` is LOCK_EX, or LOCK_SH for several sessions that have the object together and sign nothing. `subject`
 * is the path or name of the object, for errors.
 */
Result<UniqueFd> lock_lease(const char* step, const std::string& subject, const std::string& file, const Lessee& lessee,
                            int kind = LOCK_EX);
/** The holder of a lease; empty for a file that is gone or not signed. */
Result<std::optional<LeaseHolder>> holder_of(const char* step, const std::string& file);

/**
 * Removes each lease in the host directory whose session has no journal, because it was recovered. A locked lease is
 * left, or waited for if `is_let_go` says of its holder that the lock goes soon: a process that ends closes its
 * descriptors one after the other, and its journal may be free before its leases are. All waits together take `bound`
 * at most. Without a holder no session has signed the lease.
 */
void sweep_leases(const std::string& host_directory, std::chrono::milliseconds bound = {},
                  const std::function<bool(const std::optional<LeaseHolder>&)>& is_let_go = {});

/** The path of the lease of an output, by its inode. Two names of one directory lead to the same file. */
std::string output_lease_file(const std::string& host_directory, std::uint64_t dev, std::uint64_t ino);

/** Objects of the host that are known by a number, such as user ids. */
struct NumberedThings {
  /** The step of a session that leases one. */
  const char* step;
  /** The beginning of a file name, as in `user-35007`. */
  std::string name;
  /** For errors: `build users`. */
  const char* plural;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  /** Why a number without a lease cannot be used; an empty text if it can. May be missing. */
  std::function<Result<std::string>(std::uint32_t)> objection{};
};

/**
 * One number of a range, which no other live session of this host has. A dead session that had it is recovered before
 * another one gets it. Without `give_back` the destructor leaves the file signed, and a recovery of that session
 * removes it (sweep_leases).
 */
class NumberedLease {
 public:
  /** Nothing is leased. */
  NumberedLease() = default;
  /** Begins at a random number, so that none is used again at once. EBUSY, with the holders, if all are leased. */
  static Result<NumberedLease> take(const NumberedThings& things, const Lessee& lessee);
  /** A number that the caller names. Sessions that name it share it; EBUSY if one has leased it for itself. */
  static Result<NumberedLease> share(const NumberedThings& things, std::uint32_t number, const Lessee& lessee);

  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  /** The lease is locked while this descriptor or a copy of it is open. -1 while nothing is leased. */
  [[nodiscard]] int lock() const noexcept { return lock_.get(); }
  /** Passes a lease that is not shared to another session, or keeps it for none. */
  Status pass_to(const char* step, const std::optional<LeaseHolder>& session);
  /** A second call does nothing. */
  Status give_back();

 private:
  NumberedLease(std::uint32_t number, std::string file, UniqueFd lock, bool is_shared)
      : number_(number), file_(std::move(file)), lock_(std::move(lock)), is_shared_(is_shared) {}

  std::uint32_t number_ = 0;
  std::string file_;
  UniqueFd lock_;
  bool is_shared_ = false;
};

}  // namespace buildjail
