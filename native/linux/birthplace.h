#pragma once

#include "core/result.h"
#include "core/unique_fd.h"

namespace buildjail {

/**
 * The pid namespace that this thread's children are born in. A process cannot change its own, and setns(2) changes that
 * of the calling thread's children only; so while this lives they are a session's, and then again this process's own.
 */
class Birthplace {
 public:
  /** By the pidfd of its init; `own` is that of this process. Root only (pid_namespaces(7)). */
  static Result<Birthplace> in(int pidfd, const UniqueFd& own);
  /** In case one did not find back, for want of memory: what is made next must not be born in somebody's session. */
  static Status at_home(const UniqueFd& own);

  Birthplace(Birthplace&& other) noexcept;
  Birthplace& operator=(Birthplace&&) noexcept = delete;
  Birthplace(const Birthplace&) = delete;
  Birthplace& operator=(const Birthplace&) = delete;
  ~Birthplace();

 private:
  explicit Birthplace(int own) : own_(own) {}

  int own_;
};

/** This process, as `Birthplace` needs it. */
Result<UniqueFd> pidfd_of_self();

}  // namespace buildjail
