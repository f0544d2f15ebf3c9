#include "base/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

namespace buildjail {

Result<std::shared_ptr<Mailbox>> Mailbox::create(const char* step) {
  UniqueFd wake = above_stdio(UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
  if (!wake) return last_error(step, "eventfd");
  return std::make_shared<Mailbox>(std::move(wake));
}

void Mailbox::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
  }
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_.get(), &one, sizeof(one)));
}

void Mailbox::empty() {
  std::uint64_t count = 0;
  static_cast<void>(::read(wake_.get(), &count, sizeof(count)));
  std::vector<std::function<void()>> posted;
  {
    const std::lock_guard lock(mutex_);
    posted.swap(posted_);
  }
  for (const auto& work : posted) work();
}

}  // namespace buildjail
