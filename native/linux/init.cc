#include "linux/init.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/tolerated.h"
#include "linux/processes.h"
#include "state/files.h"

namespace buildjail {

namespace {

/** Init has ended. */
bool is_gone(int err) { return err == EPIPE || err == ECONNRESET || err == ENOTCONN; }

SysError init_ended(SysError error) {
  if (is_gone(error.err)) error.err = ESRCH;
  return error;
}

// sendmsg(2) does not write to the message.
iovec part_of(const void* bytes, std::size_t size) { return {.iov_base = const_cast<void*>(bytes), .iov_len = size}; }

void add(std::string& text, const std::vector<std::string>& strings) {
  for (const std::string& string : strings) text.append(string.c_str(), string.size() + 1);
}

void add_limits(launch_message& header, const CommandLimits& limits, const CommandSetup& setup) {
  static_assert(kRlimits.size() + 2 <= kMostLimits);
  for (std::size_t i = 0; i < kRlimits.size(); ++i) {
    const std::uint64_t most = limits.of_processes.at(i);
    const auto& [limit, resource, signal, grace] = kRlimits.at(i);
    if (most == 0) continue;
    header.limits[i] = {.most = most, .hard = most + grace, .resource = static_cast<unsigned>(resource)};
  }
  const auto& [memory, processes] = setup.lesser;
  if (memory) header.limits[kRlimits.size()] = {.most = *memory, .hard = *memory, .resource = RLIMIT_DATA};
  if (!processes) return;
  const std::uint64_t most = setup.lesser.processes_with(setup.has_one_id);
  header.limits[kRlimits.size() + 1] = {.most = most, .hard = most, .resource = RLIMIT_NPROC};
}

Result<UniqueFd> in_memory(const std::string& text) {
  UniqueFd memory(::memfd_create("buildjail-launch", MFD_CLOEXEC));
  if (!memory) return last_error("launch", "memfd_create");
  if (auto status = append("launch", {}, memory.get(), text); !status) return std::move(status.error());
  return memory;
}

/** What came along with an answer: descriptors, and the pid of the sender; or none, and 0. */
struct CameAlong {
  std::vector<UniqueFd> descriptors{};
  pid_t sender = 0;
};

/** recvmsg(2) of one answer. Returns what that returns. */
template <class Answer>
ssize_t receive(int socket, Answer& said, int flags, CameAlong& along) {
  iovec part{.iov_base = &said, .iov_len = sizeof(said)};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMostMessageDescriptors * sizeof(int)) + CMSG_SPACE(sizeof(ucred))>
      control;
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  packet.msg_control = control.data();
  packet.msg_controllen = control.size();
  const ssize_t got = without_interruption([&] { return ::recvmsg(socket, &packet, flags | MSG_CMSG_CLOEXEC); });
  if (got <= 0) return got;
  for (cmsghdr* one = CMSG_FIRSTHDR(&packet); one != nullptr; one = CMSG_NXTHDR(&packet, one)) {
    ucred credentials{};
    if (one->cmsg_type == SCM_RIGHTS) {
      for (std::size_t at = 0; at + sizeof(int) <= one->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
        int descriptor = -1;
        std::memcpy(&descriptor, CMSG_DATA(one) + at, sizeof(descriptor));
        along.descriptors.emplace_back(descriptor);
      }
    } else if (one->cmsg_type == SCM_CREDENTIALS) {
      std::memcpy(&credentials, CMSG_DATA(one), sizeof(credentials));
      along.sender = credentials.pid;
    }
  }
  return got;
}

constexpr const char* kImageStep = "init-image";
constexpr const char* kName = "buildjail-init";
// A command can be /proc/self/exe, or a script with that interpreter: then a process of the build executes the image of
// all later sessions. No user may read the image, so the kernel makes such a process undumpable (execve(2)), and no
// other process can open the image through it (proc_pid_exe(5)).
// defence: init-image-unreadable
constexpr mode_t kExecutable = 0111;

#ifndef MFD_EXEC
constexpr unsigned MFD_EXEC = 0x10;
#endif
#ifndef F_SEAL_EXEC
constexpr int F_SEAL_EXEC = 0x20;
#endif

// A sysctl may demand the flag for a file that is executed (vm.memfd_noexec); kernels before 6.3 do not know it.
int create_image() {
  const int fd = ::memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  return fd >= 0 || errno != EINVAL ? fd : ::memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

// An ordinary caller's build owns the image, and as root it can read it all the same. Since Linux 6.3 it cannot take
// the image's execute permission, without which no session could begin any more.
bool seal(int image) {
  constexpr int kContent = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  // defence: init-image-sealed
  const int all = kContent | F_SEAL_EXEC;
  return ::fcntl(image, F_ADD_SEALS, all) == 0 || (errno == EINVAL && ::fcntl(image, F_ADD_SEALS, kContent) == 0);
}

}  // namespace

Result<UniqueFd> make_init_image() {
  const UniqueFd made(create_image());
  if (!made) return last_error(kImageStep, "memfd_create");
  const auto bytes = init_bytes();
  if (::write(made.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    return last_error(kImageStep, "write");
  if (!seal(made.get())) return last_error(kImageStep, "fcntl");
  // Opened again, because a file that is open for writing cannot be executed (execve(2), ETXTBSY).
  const std::string path = "/proc/self/fd/" + std::to_string(made.get());
  UniqueFd image = above_stdio(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  if (!image) return last_error(kImageStep, "open", path);
  if (::fchmod(made.get(), kExecutable) != 0) return last_error(kImageStep, "fchmod");
  return image;
}

bool InitChannel::send_now(std::span<const iovec> message, std::span<const int> descriptors, int flags) {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMostMessageDescriptors * sizeof(int))> control;
  msghdr packet{};
  packet.msg_iov = const_cast<iovec*>(message.data());
  packet.msg_iovlen = message.size();
  if (!descriptors.empty()) {
    packet.msg_control = control.data();
    packet.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const rights = CMSG_FIRSTHDR(&packet);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  return without_interruption([&] { return ::sendmsg(socket_.get(), &packet, MSG_NOSIGNAL | flags); }) >= 0;
}

Status InitChannel::send(std::span<const iovec> message, std::span<const int> descriptors) {
  {
    const std::lock_guard lock(sending_);
    // defence: sender-waits-for-no-init
    if (tell_) return send_or_keep(message, descriptors);
  }
  return send_now(message, descriptors, 0) ? Status() : last_error("launch", "sendmsg");
}

Status InitChannel::send_or_keep(std::span<const iovec> message, std::span<const int> descriptors) {
  if (!kept_.empty()) return keep(message, descriptors);
  const Tolerated tolerated("init has no room for it, and gets it later", EAGAIN);
  if (send_now(message, descriptors, MSG_DONTWAIT)) return {};
  return errno == EAGAIN ? keep(message, descriptors) : last_error("launch", "sendmsg");
}

Status InitChannel::keep(std::span<const iovec> message, std::span<const int> descriptors) {
  Kept kept;
  for (const iovec& part : message) kept.bytes.append(static_cast<const char*>(part.iov_base), part.iov_len);
  for (const int descriptor : descriptors) {
    UniqueFd copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!copy) return last_error("launch", "fcntl");
    kept.descriptors.push_back(std::move(copy));
  }
  if (kept_.empty()) {
    if (auto status = tell_(true); !status) return status;
  }
  kept_.push_back(std::move(kept));
  return {};
}

void InitChannel::keep_what_has_no_room(std::function<Status(bool)> tell) {
  const std::lock_guard lock(sending_);
  tell_ = std::move(tell);
}

void InitChannel::send_kept() {
  const std::lock_guard lock(sending_);
  if (kept_.empty()) return;
  const Tolerated tolerated("it goes when there is room, or init has ended and needs it no more");
  while (!kept_.empty()) {
    const auto& [bytes, owned] = kept_.front();
    std::vector<int> descriptors;
    descriptors.reserve(owned.size());
    for (const UniqueFd& one : owned) descriptors.push_back(one.get());
    const std::array parts{part_of(bytes.data(), bytes.size())};
    if (!send_now(parts, descriptors, MSG_DONTWAIT)) {
      if (errno == EAGAIN) return;
      kept_.clear();
      break;
    }
    kept_.pop_front();
  }
  static_cast<void>(tell_(false));
}

Status InitChannel::send_calls(const calls_message& header, std::span<const init_call> calls, std::string_view text,
                               std::span<const int> descriptors) {
  const std::array parts{part_of(&header, sizeof(header)), part_of(calls.data(), calls.size_bytes()),
                         part_of(text.data(), text.size())};
  auto sent = send(parts, descriptors);
  if (sent) return sent;
  sent.error().step = "init";
  return init_ended(std::move(sent.error()));
}

Result<calls_answer> InitChannel::read_calls_answer(std::vector<UniqueFd>& shown) {
  calls_answer said;
  CameAlong along;
  const ssize_t got = receive(socket_.get(), said, 0, along);
  if (got <= 0)
    return SysError{.step = "init", .syscall = "recvmsg", .err = got < 0 ? errno : ESRCH, .detail = "init has ended"};
  for (UniqueFd& one : along.descriptors) shown.push_back(above_stdio(std::move(one)));
  return said;
}

Status InitChannel::launch(const LaunchRequest& request, const CommandSetup& setup, const std::array<int, 3>& stdio) {
  const auto candidates = executable_candidates(request);
  const auto& groups = setup.user.groups;
  launch_message header{};
  header.kind = kMessageLaunch;
  header.number = request.run;
  if (request.tells_started) header.flags |= kLaunchTells;
  if (setup.waits) header.flags |= kLaunchWaits;
  if (!setup.has_one_id) header.flags |= kLaunchSetsGroups;
  header.uid = setup.user.uid;
  header.gid = setup.user.gid;
  header.group_count = static_cast<unsigned>(groups.size());
  header.candidate_count = static_cast<unsigned>(candidates.size());
  header.argument_count = static_cast<unsigned>(request.argv.size());
  header.variable_count = static_cast<unsigned>(request.environment.size());
  header.terminal = static_cast<unsigned>(setup.terminal + 1);
  add_limits(header, request.limits, setup);

  std::string text;
  for (const unsigned group : groups) text.append(reinterpret_cast<const char*>(&group), sizeof(group));
  add(text, candidates);
  text.append(request.working_directory.c_str(), request.working_directory.size() + 1);
  add(text, request.argv);
  add(text, request.environment);
  header.text_size = text.size();

  std::vector<int> descriptors;
  for (std::size_t i = 0; i < stdio.size(); ++i) {
    if (stdio.at(i) < 0) continue;
    header.given |= 1U << i;
    descriptors.push_back(stdio.at(i));
  }
  UniqueFd memory;
  if (text.size() > kMostInline) {
    auto made = in_memory(text);
    if (!made) return std::move(made.error());
    memory = std::move(*made);
    header.flags |= kLaunchIsLong;
    descriptors.push_back(memory.get());
    text.clear();
  }
  text.insert(0, reinterpret_cast<const char*>(&header), sizeof(header));
  const std::array parts{part_of(text.data(), text.size())};
  auto sent = send(parts, descriptors);
  return sent ? std::move(sent) : init_ended(std::move(sent.error()));
}

bool InitChannel::signal(std::uint32_t number, int signal) {
  const command_message message{.kind = kMessageSignal, .number = number, .signal = signal};
  return static_cast<bool>(send(std::array{part_of(&message, sizeof(message))}, {}));
}

bool InitChannel::ask_for_pid(std::uint32_t number) {
  const command_message message{.kind = kMessageTell, .number = number, .signal = 0};
  return static_cast<bool>(send(std::array{part_of(&message, sizeof(message))}, {}));
}

Status InitChannel::kill_all(std::chrono::milliseconds bound) {
  const command_message message{.kind = kMessageSignal, .number = 0, .signal = SIGKILL};
  std::unique_lock lock(mutex_);
  const std::uint64_t before = answers_;
  lock.unlock();
  auto status = send(std::array{part_of(&message, sizeof(message))}, {});
  // If init has ended, so have all others.
  if (!status && is_gone(status.error().err)) return {};
  if (!status) return status;
  lock.lock();
  if (answered_.wait_for(lock, bound, [&] { return is_over_ || answers_ > before; })) return {};
  return SysError{
      .step = "kill", .syscall = "recvmsg", .err = ETIMEDOUT, .detail = "the session's init does not answer"};
}

bool InitChannel::shut_down() {
  {
    const std::lock_guard lock(sending_);
    kept_.clear();
  }
  return ::shutdown(socket_.get(), SHUT_WR) == 0;
}

bool InitChannel::read(Waiter& waiter) {
  send_kept();
  answer said{};
  CameAlong along;
  const ssize_t got = receive(socket_.get(), said, MSG_DONTWAIT, along);
  if (got < 0 && !is_gone(errno)) return true;
  if (got <= 0) {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    answered_.notify_all();
    return false;
  }
  const auto& [pidfds, sender] = along;
  switch (said.kind) {
    case kAnswerStarted:
      waiter.started(said.number);
      break;
    case kAnswerPid:
      if (const auto pid = pidfds.empty() ? std::optional(sender) : pid_of_descriptor(pidfds.front().get()))
        waiter.found_pid(said.number, *pid);
      break;
    case kAnswerFailed: {
      const std::string call(said.call, ::strnlen(said.call, sizeof(said.call)));
      waiter.failed(said.number, {.step = call, .syscall = call, .err = said.err});
      break;
    }
    case kAnswerExited:
      waiter.ended(said.number, {.status = said.status,
                                 .user_us = said.user_us,
                                 .system_us = said.system_us,
                                 .max_rss_bytes = said.max_rss_kib * 1024});
      break;
    default: {
      const std::lock_guard lock(mutex_);
      answers_ += 1;
      answered_.notify_all();
    }
  }
  return true;
}

}  // namespace buildjail
