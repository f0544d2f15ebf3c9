#include "freebsd/open_jail.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "launch/vfork_child.h"

namespace buildjail {

namespace {

/** Room for one descriptor, as sendmsg(2) takes it. */
struct alignas(cmsghdr) OneDescriptor {
  std::array<std::byte, CMSG_SPACE(sizeof(int))> bytes{};
};

/** A message of one byte, as one of none is not told from the end. */
struct Message {
  char byte = 0;
  iovec content{.iov_base = &byte, .iov_len = 1};
  OneDescriptor control;
  msghdr header{};

  Message() {
    header.msg_iov = &content;
    header.msg_iovlen = 1;
    header.msg_control = control.bytes.data();
    header.msg_controllen = control.bytes.size();
  }
};

struct Asking {
  const JailCall& call;
  iovec* options;
  unsigned count;
  /** Where the kernel writes the descriptor. */
  const void* desc;
  int flags;
  int socket;
  Message& message;
  int jid = -1;
  /** Null: the child was killed on its way. */
  const char* stopped_at = nullptr;
  int err = 0;
};

void ask(void* context) {
  auto& asking = *static_cast<Asking*>(context);
  asking.stopped_at = asking.call.name;
  asking.jid = asking.call.function(asking.options, asking.count, asking.flags);
  if (asking.jid < 0) {
    asking.err = errno;
    return;
  }
  asking.stopped_at = "sendmsg";
  cmsghdr* const first = CMSG_FIRSTHDR(&asking.message.header);
  first->cmsg_level = SOL_SOCKET;
  first->cmsg_type = SCM_RIGHTS;
  first->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(first), asking.desc, sizeof(int));
  // By number: libthr(3) wraps sendmsg(2) for pthread_cancel(3).
  if (::syscall(SYS_sendmsg, asking.socket, &asking.message.header, 0) < 0) asking.err = errno;
}

Result<UniqueFd> receive(int socket) {
  Message message;
  // Sent already, or never.
  // defence: descriptor-jail-close-exec
  if (::recvmsg(socket, &message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
    return last_error("jail-desc", "recvmsg");
  const cmsghdr* const first = CMSG_FIRSTHDR(&message.header);
  int fd = -1;
  if (first != nullptr && first->cmsg_type == SCM_RIGHTS) std::memcpy(&fd, CMSG_DATA(first), sizeof(fd));
  if (fd >= 0) return UniqueFd(fd);
  // No descriptor is free here: the message comes without (unix(4), MSG_CTRUNC).
  errno = EMFILE;
  return last_error("jail-desc", "recvmsg");
}

}  // namespace

Result<OpenedJail> open_jail(const JailCall& call, IovecList& options, std::size_t desc, int flags) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair.data()) != 0)
    return last_error("jail-desc", "socketpair");
  const UniqueFd here(pair[0]);
  const UniqueFd there(pair[1]);
  Message message;
  Asking asking{.call = call,
                .options = options.data(),
                .count = options.size(),
                .desc = options.value(desc).data(),
                .flags = flags,
                .socket = there.get(),
                .message = message};
  const pid_t child = vfork_child(ask, &asking);
  if (child < 0) return last_error("jail-desc", "vfork");
  reap(child);
  if (asking.err != 0 || asking.stopped_at == nullptr) {
    errno = asking.err == 0 ? EINTR : asking.err;
    const char* const failed = asking.stopped_at == nullptr ? call.name : asking.stopped_at;
    auto error = last_error(call.name, failed);
    error.detail = options.errmsg();
    return error;
  }
  auto descriptor = receive(here.get());
  if (!descriptor) return std::move(descriptor.error());
  return OpenedJail{.jid = asking.jid, .descriptor = std::move(*descriptor)};
}

}  // namespace buildjail
