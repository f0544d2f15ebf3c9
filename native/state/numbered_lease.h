#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "state/lessee.h"

namespace buildjail {

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
  Status pass_to(const char* step, const std::optional<Holding>& session);
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
