#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace buildjail::launch {

/**
 * One call of gRPC with messages in both directions, over a socket that it has for itself: as much of HTTP/2 (RFC 9113)
 * as that takes. Headers of the server are not read, as everything that we ask for is in its messages.
 */
class Call {
 public:
  enum class State : std::uint8_t { kOpen, kEnded, kBroken };

  /** @param path of the method: `/package.Service/Method` */
  Call(UniqueFd socket, std::string_view path);

  [[nodiscard]] int descriptor() const { return socket_.get(); }
  [[nodiscard]] State state() const { return state_; }
  /** There is something to write, and room for it at the other side. */
  [[nodiscard]] bool wants_to_write() const { return !out_.empty(); }

  void send(std::string_view message);
  /** Reads what is there, and returns the messages that are whole. */
  std::vector<std::string> receive();
  /** Writes what the socket takes now. */
  void write();
  /** So much of what was received has gone on: the server may send as much again. */
  void taken(std::size_t bytes);

 private:
  void frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload);
  void flush_data();
  bool take_frame(std::vector<std::string>& messages);
  void take_settings(std::uint8_t flags, std::string_view payload);
  void take_data(std::string_view payload, std::vector<std::string>& messages);
  void widen(std::uint32_t stream, std::size_t bytes);

  UniqueFd socket_;
  State state_ = State::kOpen;
  std::string in_;
  std::string out_;
  /** Of the message that is being received. */
  std::string message_;
  /** Messages of ours, framed, that wait for room. */
  std::string data_;
  /** How many bytes the server takes of us: of the call, and of the connection. */
  std::int64_t stream_room_;
  std::int64_t connection_room_;
  std::int64_t first_stream_room_;
};

}  // namespace buildjail::launch
