#include "linux/birthplace.h"

#include <sched.h>
#include <unistd.h>

#include <utility>

#include "core/above_stdio.h"
#include "linux/raw_calls.h"

namespace buildjail {

Result<Birthplace> Birthplace::in(int pidfd, const UniqueFd& own) {
  if (::setns(pidfd, CLONE_NEWPID) != 0) return last_error("setns", "setns");
  return Birthplace(own.get());
}

Status Birthplace::at_home(const UniqueFd& own) {
  return ::setns(own.get(), CLONE_NEWPID) == 0 ? Status() : last_error("clone", "setns");
}

Birthplace::Birthplace(Birthplace&& other) noexcept : own_(std::exchange(other.own_, -1)) {}

Birthplace::~Birthplace() {
  if (own_ >= 0) static_cast<void>(::setns(own_, CLONE_NEWPID));
}

Result<UniqueFd> pidfd_of_self() {
  UniqueFd self = above_stdio(UniqueFd(raw::pidfd_open(::getpid())));
  if (!self) return last_error("clone", "pidfd_open");
  return self;
}

}  // namespace buildjail
