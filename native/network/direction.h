#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "network/socket_pipe.h"

namespace buildjail {

/** Whether a call that does not wait must be made again later. */
inline bool is_later(int err) { return err == EAGAIN || err == EWOULDBLOCK || err == EINTR; }

/** Buffers that the network thread lends to the connection that has its turn. */
struct MovingRoom {
  static constexpr std::size_t kSize = 65536;

  std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(kSize);
  SocketPipe pipe{};
};

/**
 * The bytes of a connection in one direction, from one socket to another. Few go through memory, and many through a
 * pipe, where the system has that.
 */
class Direction {
 public:
  /** Bytes that it holds when its reader is slow. */
  static constexpr std::size_t kMostHeld = SocketPipe::kMost;

  /**
   * Moves bytes that can be moved, after poll(2) has reported events of the sockets. False after an error of either: an
   * error of `from` comes behind the bytes that it has.
   */
  bool move(int from, int from_happened, int to, int to_happened, MovingRoom& room);
  /** After an error, moves bytes that the reader takes at once. The reader does not see an end. */
  void move_rest(int from, int to, MovingRoom& room);
  /** Bytes that were read already come before all others. */
  void add(std::span<const std::uint8_t> bytes) { held_.insert(held_.end(), bytes.begin(), bytes.end()); }
  /** Frees the bytes that it holds. */
  void drop() {
    held_ = {};
    begin_ = 0;
  }

  /** It holds none. */
  [[nodiscard]] bool is_empty() const noexcept { return begin_ == held_.size(); }
  /** No more bytes will be read. */
  [[nodiscard]] bool is_ended() const noexcept { return is_ended_; }
  /** All bytes have been written, and the reader has seen the end. */
  [[nodiscard]] bool is_shut() const noexcept { return is_shut_; }
  /** Bytes written. */
  [[nodiscard]] std::uint64_t moved() const noexcept { return moved_; }

 private:
  bool read(int from, int to, MovingRoom& room);
  bool write(int to, std::span<const std::uint8_t> bytes);
  bool write_held(int to);
  /** False if the bytes must be read as before. */
  bool pass(int from, int to, MovingRoom& room, bool& is_well);

  std::vector<std::uint8_t> held_;
  std::size_t begin_ = 0;
  /** Whole rooms of bytes come. */
  bool is_flowing_ = false;
  bool is_ended_ = false;
  bool is_shut_ = false;
  std::uint64_t moved_ = 0;
};

}  // namespace buildjail
