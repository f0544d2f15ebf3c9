#pragma once

#include <sys/file.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "state/recovery.h"

namespace buildjail {

/** The session that has a lease, as the file of the lease tells of it. */
struct LeaseHolder {
  std::string id;
  std::string state_directory;
  bool operator==(const LeaseHolder&) const = default;
};

/** A session that leases, and where leases are. */
struct Lessee {
  /** Of the host (private_directories.h). */
  std::string host_directory;
  LeaseHolder session;
  /** What takes away the dead sessions of a state directory. */
  std::function<Recovery(const std::string& state_directory)> recovery_of;
};

/** A line of a lease's file. */
std::string line_of(const LeaseHolder& holding);
/** All in a lease's file. What is not such a line, or lacks its end, is not there. */
std::vector<LeaseHolder> holdings_in(std::string_view text);
/** `session 4b1f0c9e8d7a6532 of /var/run/buildjail`, for people. */
std::string name_of(const LeaseHolder& holding);

// A lease is a file in the host directory. It says which session has the thing, and is locked while that session
// lives, by a descriptor that may be shared with whoever outlives this process. One that is there, but not locked, is
// of a session that is dead.

/** What is leased, for errors. */
struct Leased {
  /** The step of a session that leases it. */
  const char* step;
  /** Its path or its name. */
  const std::string& subject;
};

/**
 * The lock of a lease that is nobody's any more; a dead session that had it is recovered first. EBUSY, with the holder
 * named, when a live one has it. `kind` is LOCK_EX, or LOCK_SH for several who have the thing together and sign
 * nothing.
 */
Result<UniqueFd> lock_lease(const Leased& leased, const std::string& file, const Lessee& lessee, int kind = LOCK_EX);
/** Says whose it is. */
Status sign_lease(const Leased& leased, const std::string& file, const UniqueFd& lock, const LeaseHolder& holding);
/** Whose it is; nothing where it does not say so yet, or any more. */
Result<std::optional<LeaseHolder>> holding_of(const char* step, const std::string& file);
/** By a descriptor of the file. */
Result<std::optional<LeaseHolder>> holding_in(const char* step, const std::string& file, const UniqueFd& fd);

/** Takes away each lease in the host directory whose session has no journal any more, as after its recovery. */
void sweep_leases(const std::string& host_directory);

/** The file of an output's lease in the host directory (lease.h): two names of one directory meet in it. */
std::string lease_of(const std::string& host_directory, std::uint64_t dev, std::uint64_t ino);

/** Things of the host that are told apart by a number, as user ids are. */
struct NumberedThings {
  /** The step of a session that leases one. */
  const char* step;
  /** What the name of a lease's file begins with, as in `user-35007`. */
  std::string name;
  /** For errors: `build users`. */
  const char* plural;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  /** Why one that nobody has leased cannot be used all the same; empty where it can. May be missing. */
  std::function<Result<std::string>(std::uint32_t)> objection{};
};

/**
 * One number of a range, which no other live session of this host has. A dead session that had it is recovered before
 * it is given out again. When this goes without `give_back`, the file stays signed; a recovery of that session takes it
 * away (sweep_leases).
 */
class NumberedLease {
 public:
  /** Nothing is leased. */
  NumberedLease() = default;
  /** Begins anywhere, so that a number is not used again at once. EBUSY, with who has them, where all are leased. */
  static Result<NumberedLease> take(const NumberedThings& things, const Lessee& lessee);
  /**
   * A number that the caller has named. Those who name it have it together; EBUSY where one has leased it for itself.
   */
  static Result<NumberedLease> share(const NumberedThings& things, std::uint32_t number, const Lessee& lessee);

  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  /** Locked for as long as this or a copy of it is open; -1 while nothing is leased. */
  [[nodiscard]] int lock() const noexcept { return lock_.get(); }
  /** It is kept, and from here on another session's; nobody's where there is none. Not of one that is shared. */
  Status pass_to(const char* step, const std::optional<LeaseHolder>& session);
  /** Again: nothing to do. */
  Status give_back();

 private:
  NumberedLease(std::uint32_t number, std::string file, UniqueFd lock, bool is_shared)
      : number_(number), file_(std::move(file)), lock_(std::move(lock)), is_shared_(is_shared) {}

  std::uint32_t number_ = 0;
  std::string file_;
  UniqueFd lock_;
  bool is_shared_ = false;
};

/** The file of one number's lease. */
std::string lease_file_of(const std::string& host_directory, const std::string& name, std::uint32_t number);

}  // namespace buildjail
