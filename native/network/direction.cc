#include "network/direction.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

namespace buildjail {

namespace {

/** A pass of fewer costs more than a copy. */
constexpr ssize_t kLittle = 16384;
/** After an error, so that other connections get their turn: more than a socket has room for as a rule. */
constexpr std::uint64_t kMostRest = 8U << 20U;

}  // namespace

bool Direction::move(int from, int from_happened, int to, int to_happened, MovingRoom& room) {
  if (is_shut_) return true;
  if ((to_happened & (POLLERR | POLLNVAL)) != 0) return false;
  if (!is_empty()) {
    if (to_happened == 0) return true;
    if (!write_held(to)) return false;
  } else if (!is_ended_ && (from_happened & (POLLIN | POLLHUP | POLLERR)) != 0) {
    bool is_well = true;
    // splice(2) would take the error away, and a read after it would find an end.
    const bool is_broken = (from_happened & POLLERR) != 0;
    if (is_broken || !pass(from, to, room, is_well)) is_well = read(from, to, room);
    if (!is_well) return false;
  }
  if (!is_ended_ || !is_empty()) return true;
  is_shut_ = true;
  // ENOTCONN: the other end has closed both directions already.
  return ::shutdown(to, SHUT_WR) == 0 || errno == ENOTCONN;
}

void Direction::move_rest(int from, int to, MovingRoom& room) {
  const std::uint64_t first = moved_;
  std::uint64_t before = 0;
  do {
    before = moved_;
    const bool is_well = is_empty() ? !is_ended_ && read(from, to, room) : write_held(to);
    if (!is_well) return;
  } while (moved_ != before && moved_ - first < kMostRest);
}

bool Direction::pass(int from, int to, MovingRoom& room, bool& is_well) {
  if (!is_flowing_ || !room.pipe.open()) return false;
  const ssize_t taken = room.pipe.pass(from, to, held_, is_well);
  begin_ = 0;
  is_flowing_ = taken >= kLittle;
  // A read reports the end, or an error.
  if (taken <= 0) return false;
  moved_ += static_cast<std::uint64_t>(taken) - held_.size();
  return true;
}

bool Direction::read(int from, int to, MovingRoom& room) {
  const ssize_t got = ::recv(from, room.bytes.data(), room.bytes.size(), MSG_DONTWAIT);
  if (got < 0) return is_later(errno);
  if (got == 0) {
    is_ended_ = true;
    return true;
  }
  const auto count = static_cast<std::size_t>(got);
  is_flowing_ = count == room.bytes.size();
  return write(to, std::span(room.bytes).first(count));
}

bool Direction::write(int to, std::span<const std::uint8_t> bytes) {
  const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && !is_later(errno)) return false;
  const std::size_t count = sent < 0 ? 0 : static_cast<std::size_t>(sent);
  moved_ += count;
  const auto rest = bytes.subspan(count);
  held_.assign(rest.begin(), rest.end());
  begin_ = 0;
  return true;
}

bool Direction::write_held(int to) {
  const auto held = std::span<const std::uint8_t>(held_).subspan(begin_);
  const ssize_t sent = ::send(to, held.data(), held.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return is_later(errno);
  moved_ += static_cast<std::uint64_t>(sent);
  begin_ += static_cast<std::size_t>(sent);
  if (is_empty()) drop();
  return true;
}

}  // namespace buildjail
