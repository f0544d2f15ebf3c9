#include "network/resolver.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <variant>

namespace buildjail {

namespace {

/** In one turn, so that the other sessions get theirs. */
constexpr int kMostDatagrams = 64;
constexpr std::chrono::seconds kIdleBound{10};
constexpr std::chrono::milliseconds kRetry{100};

}  // namespace

std::optional<DnsAnswer> answer_to(std::span<const std::uint8_t> message, const Resolver::Find& find) {
  const auto read = read_dns_query(message);
  if (std::holds_alternative<DnsSilence>(read)) return std::nullopt;
  if (const auto* const fault = std::get_if<DnsFault>(&read)) return DnsAnswer(*fault);
  const auto& query = std::get<DnsQuery>(read);
  if (query.record_class != kDnsInternet) return DnsAnswer(message, query, DnsCode::kRefused, nullptr);
  const auto found = find(query);
  if (!found) return DnsAnswer(message, query, DnsCode::kNameError, nullptr);
  return DnsAnswer(message, query, DnsCode::kNoError, found->address ? &*found->address : nullptr);
}

void Resolver::await(Awaited& awaited, Clock::time_point now) {
  at_datagrams_ = awaited.add(datagrams_.get(), POLLIN);
  const bool waits = now < accepts_from_;
  if (waits) awaited.add(accepts_from_);
  at_listener_ = !waits && streams_.size() < kMostStreams ? awaited.add(listener_.get(), POLLIN) : Awaited::kNowhere;
  for (Stream& one : streams_) {
    one.place = awaited.add(one.socket.get(), POLLIN);
    awaited.add(one.last + kIdleBound);
  }
}

void Resolver::turn(const Awaited& awaited, Clock::time_point now, const Find& find) {
  if (awaited.happened(at_datagrams_) != 0) answer_datagrams(find);
  streams_.remove_if([&](Stream& one) {
    if (awaited.happened(one.place) == 0) return now >= one.last + kIdleBound;
    one.last = now;
    return !read(one, find);
  });
  if (awaited.happened(at_listener_) != 0) accept(now);
}

void Resolver::answer_datagrams(const Find& find) {
  std::array<std::uint8_t, kMostMessage> bytes{};
  for (int i = 0; i < kMostDatagrams; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof(from);
    // Its whole size is returned, also of one that was cut off (recv(2), MSG_TRUNC).
    const ssize_t got = ::recvfrom(datagrams_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_TRUNC,
                                   reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0) return;
    const auto count = static_cast<std::size_t>(got);
    if (count > bytes.size()) continue;
    const auto answer = answer_to(std::span(bytes).first(count), find);
    if (!answer) continue;
    const auto told = answer->bytes();
    // An answer without room in the socket is lost, as datagrams are.
    static_cast<void>(::sendto(datagrams_.get(), told.data(), told.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                               reinterpret_cast<const sockaddr*>(&from), size));
  }
}

void Resolver::accept(Clock::time_point now) {
  while (streams_.size() < kMostStreams) {
    UniqueFd accepted(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    const int err = accepted ? 0 : errno;
    UniqueFd socket = above_stdio(std::move(accepted));
    if (!socket) {
      if (err != EAGAIN) accepts_from_ = now + kRetry;
      return;
    }
    Stream& made = streams_.emplace_back();
    made.socket = std::move(socket);
    made.last = now;
  }
}

bool Resolver::read(Stream& stream, const Find& find) {
  auto& [socket, last, place, bytes, size] = stream;
  const auto whole = [&] {
    return size < kLength ? kLength : kLength + (static_cast<std::size_t>(bytes[0]) << 8U | bytes[1]);
  };
  // One message in a turn: the others stay in the socket, so that all sessions get their turns.
  // defence: one-question-of-stream
  const ssize_t got = ::recv(socket.get(), bytes.data() + size, whole() - size, MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  size += static_cast<std::size_t>(got);
  if (whole() > bytes.size()) return false;
  if (size < whole()) return true;
  const auto answer = answer_to(std::span(bytes).first(size).subspan(kLength), find);
  size = 0;
  if (!answer) return false;
  std::array<std::uint8_t, kLength + DnsAnswer::kMost> told{};
  const auto text = answer->bytes();
  told[0] = static_cast<std::uint8_t>(text.size() >> 8U);
  told[1] = static_cast<std::uint8_t>(text.size());
  std::ranges::copy(text, told.begin() + kLength);
  const std::size_t count = kLength + text.size();
  // A client that does not read its answers gets no more of them.
  return ::send(socket.get(), told.data(), count, MSG_DONTWAIT | MSG_NOSIGNAL) == static_cast<ssize_t>(count);
}

}  // namespace buildjail
