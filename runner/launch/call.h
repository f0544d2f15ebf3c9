#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace buildjail::launch {

/**
 * One gRPC call with messages in both directions, over a socket of its own. It writes HTTP/2 (RFC 9113) by hand,
 * because buildjail-launch starts once for each action. The whole program starts in 1 ms; gRPC's own C library alone
 * takes 30 ms to initialise, and Node more than that. libnghttp2 would cost only 0.2 ms, but neither system has it in
 * its base, so compiling the launcher would take one package more. And it would replace only the framing, about 100
 * lines: the messages of gRPC, and flow control that follows what stdout takes, would stay ours. The call needs little
 * of HTTP/2: one stream, request headers without compression, and no headers of the server, because all answers are
 * messages.
 */
class Call {
 public:
  enum class State : std::uint8_t { kOpen, kEnded, kBroken };

  /** @param path of the method: `/package.Service/Method` */
  Call(UniqueFd socket, std::string_view path);

  [[nodiscard]] int descriptor() const { return socket_.get(); }
  [[nodiscard]] State state() const { return state_; }
  /** Frames wait to be written. */
  [[nodiscard]] bool wants_to_write() const { return !out_.empty(); }

  void send(std::string_view message);
  /** Reads what has arrived. @returns the messages that are complete */
  std::vector<std::string> receive();
  /** Writes as much as the socket takes now. */
  void write();
  /** Call this when so many received bytes were passed on: the server may then send as many again. */
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
  /** The beginning of a message that is not complete. */
  std::string message_;
  /** Our messages that wait until the server allows more data. */
  std::string data_;
  /** The bytes that the server still allows: for the stream, and for the connection. */
  std::int64_t stream_room_;
  std::int64_t connection_room_;
  std::int64_t first_stream_room_;
};

}  // namespace buildjail::launch
