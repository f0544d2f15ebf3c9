#include "call.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace buildjail::launch {

namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// RFC 9113, section 6.
constexpr std::uint8_t kData = 0x0;
constexpr std::uint8_t kHeaders = 0x1;
constexpr std::uint8_t kResetStream = 0x3;
constexpr std::uint8_t kSettings = 0x4;
constexpr std::uint8_t kPing = 0x6;
constexpr std::uint8_t kGoAway = 0x7;
constexpr std::uint8_t kWindowUpdate = 0x8;
constexpr std::uint8_t kEndStream = 0x1;
constexpr std::uint8_t kAcknowledged = 0x1;
constexpr std::uint8_t kEndHeaders = 0x4;
constexpr std::uint8_t kPadded = 0x8;
constexpr unsigned kInitialWindowSize = 0x4;

constexpr std::uint32_t kConnection = 0;
constexpr std::uint32_t kStream = 1;
constexpr std::size_t kFrameHeader = 9;
/** Every peer accepts frames of this size (section 4.2). */
constexpr std::size_t kLargestFrame = 16384;
constexpr std::int64_t kFirstRoom = 65535;
/** Bytes that we accept beyond the initial window. */
constexpr std::uint32_t kOurRoom = 1U << 20U;
/** The prefix of a gRPC message: a compression flag and its length. */
constexpr std::size_t kMessageHeader = 5;
constexpr std::size_t kReadSize = 65536;

constexpr unsigned kByte = 8;

void append_number(std::string& text, std::uint64_t value, unsigned bytes) {
  for (unsigned left = bytes; left > 0; --left) text += static_cast<char>((value >> (kByte * (left - 1))) & 0xffU);
}

std::uint64_t number_in(std::string_view text, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (const char byte : text.substr(at, bytes)) value = (value << kByte) | static_cast<unsigned char>(byte);
  return value;
}

/** RFC 7541, section 6.2.2: a literal field. Its length fits one byte, because none of ours is longer than 126 bytes.
 */
void append_header(std::string& block, std::string_view name, std::string_view value) {
  block += '\0';
  for (const auto part : {name, value}) {
    append_number(block, part.size(), 1);
    block += part;
  }
}

}  // namespace

Call::Call(UniqueFd socket, std::string_view path)
    : socket_(std::move(socket)),
      stream_room_(kFirstRoom),
      connection_room_(kFirstRoom),
      first_stream_room_(kFirstRoom) {
  out_ = kPreface;
  std::string settings;
  append_number(settings, kInitialWindowSize, 2);
  append_number(settings, kFirstRoom + kOurRoom, 4);
  frame(kSettings, 0, kConnection, settings);
  widen(kConnection, kOurRoom);
  std::string headers;
  append_header(headers, ":method", "POST");
  append_header(headers, ":scheme", "http");
  append_header(headers, ":path", path);
  append_header(headers, ":authority", "localhost");
  append_header(headers, "te", "trailers");
  append_header(headers, "content-type", "application/grpc");
  frame(kHeaders, kEndHeaders, kStream, headers);
}

void Call::send(std::string_view message) {
  data_ += '\0';
  append_number(data_, message.size(), 4);
  data_ += message;
  flush_data();
}

std::vector<std::string> Call::receive() {
  std::vector<std::string> messages;
  std::array<char, kReadSize> buffer{};
  const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return messages;
  if (got <= 0) {
    if (state_ == State::kOpen) state_ = State::kBroken;
    return messages;
  }
  in_.append(buffer.data(), static_cast<std::size_t>(got));
  while (take_frame(messages)) {
  }
  return messages;
}

void Call::write() {
  const auto sent = ::send(socket_.get(), out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0) {
    out_.erase(0, static_cast<std::size_t>(sent));
  } else if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
    // The server is gone. What it sent before is still read.
    out_.clear();
  }
}

void Call::taken(std::size_t bytes) {
  widen(kConnection, bytes);
  widen(kStream, bytes);
}

void Call::frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  append_number(out_, payload.size(), 3);
  append_number(out_, type, 1);
  append_number(out_, flags, 1);
  append_number(out_, stream, 4);
  out_ += payload;
}

void Call::flush_data() {
  while (!data_.empty()) {
    const auto room = std::min(stream_room_, connection_room_);
    if (room <= 0) return;
    const auto size = std::min({data_.size(), kLargestFrame, static_cast<std::size_t>(room)});
    frame(kData, 0, kStream, std::string_view(data_).substr(0, size));
    data_.erase(0, size);
    stream_room_ -= static_cast<std::int64_t>(size);
    connection_room_ -= static_cast<std::int64_t>(size);
  }
}

bool Call::take_frame(std::vector<std::string>& messages) {
  if (in_.size() < kFrameHeader) return false;
  const auto size = number_in(in_, 0, 3);
  if (in_.size() < kFrameHeader + size) return false;
  const auto type = static_cast<std::uint8_t>(in_[3]);
  const auto flags = static_cast<std::uint8_t>(in_[4]);
  const auto stream = number_in(in_, 5, 4);
  const std::string payload = in_.substr(kFrameHeader, size);
  in_.erase(0, kFrameHeader + size);
  switch (type) {
    case kData: {
      const std::size_t padding = (flags & kPadded) != 0 && size > 0 ? number_in(payload, 0, 1) + 1 : 0;
      if (padding > 0) taken(padding);
      if (padding <= size) take_data(std::string_view(payload).substr(padding > 0 ? 1 : 0, size - padding), messages);
      break;
    }
    case kSettings:
      take_settings(flags, payload);
      break;
    case kPing:
      if ((flags & kAcknowledged) == 0) frame(kPing, kAcknowledged, kConnection, payload);
      break;
    case kWindowUpdate:
      (stream == kConnection ? connection_room_ : stream_room_) += static_cast<std::int64_t>(number_in(payload, 0, 4));
      flush_data();
      break;
    case kResetStream:
    case kGoAway:
      // With GOAWAY and NO_ERROR the server still finishes the streams that are open (section 6.8).
      if (type == kResetStream || number_in(payload, 4, 4) != 0) state_ = State::kBroken;
      break;
    default:
      break;
  }
  const bool is_end = (type == kData || type == kHeaders) && (flags & kEndStream) != 0;
  if (is_end && state_ == State::kOpen) state_ = State::kEnded;
  return true;
}

void Call::take_settings(std::uint8_t flags, std::string_view payload) {
  if ((flags & kAcknowledged) != 0) return;
  constexpr std::size_t kSetting = 6;
  for (std::size_t at = 0; at + kSetting <= payload.size(); at += kSetting) {
    if (number_in(payload, at, 2) != kInitialWindowSize) continue;
    const auto room = static_cast<std::int64_t>(number_in(payload, at + 2, 4));
    stream_room_ += room - first_stream_room_;
    first_stream_room_ = room;
  }
  frame(kSettings, kAcknowledged, kConnection, {});
  flush_data();
}

void Call::take_data(std::string_view payload, std::vector<std::string>& messages) {
  message_ += payload;
  while (message_.size() >= kMessageHeader) {
    const auto size = number_in(message_, 1, 4);
    if (message_.size() < kMessageHeader + size) return;
    messages.push_back(message_.substr(kMessageHeader, size));
    message_.erase(0, kMessageHeader + size);
    taken(kMessageHeader);
  }
}

void Call::widen(std::uint32_t stream, std::size_t bytes) {
  if (bytes == 0) return;
  std::string payload;
  append_number(payload, bytes, 4);
  frame(kWindowUpdate, 0, stream, payload);
}

}  // namespace buildjail::launch
