#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "base/tolerated.h"

namespace buildjail {

/** Pages that hold nothing until they are written to. */
class Pages {
 public:
  Pages() = default;
  Pages(Pages&& other) noexcept : begin_(std::exchange(other.begin_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Pages() {
    if (begin_ != nullptr) ::munmap(begin_, size_);
  }

  /** Empty if there is no room for so much. */
  static Pages map(std::size_t size) {
#ifdef MAP_NORESERVE
    constexpr int kFlags = MAP_PRIVATE | MAP_ANON | MAP_NORESERVE;
#else
    constexpr int kFlags = MAP_PRIVATE | MAP_ANON;
#endif
    const Tolerated tolerated("the command is then ended as one that wrote more than is kept");
    Pages pages;
    void* const begin = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, kFlags, -1, 0);
    if (begin == MAP_FAILED) return pages;
    pages.begin_ = static_cast<std::byte*>(begin);
    pages.size_ = size;
    return pages;
  }

  explicit operator bool() const noexcept { return begin_ != nullptr; }
  [[nodiscard]] std::byte* begin() const noexcept { return begin_; }

 private:
  std::byte* begin_ = nullptr;
  std::size_t size_ = 0;
};

/**
 * What a command has written, up to a bound. Much of it is never copied, neither while it comes nor when JavaScript
 * takes it. A copy would hold up every session: one thread reads for all commands, and one runs JavaScript.
 */
class CapturedBytes {
 public:
  explicit CapturedBytes(std::uint64_t most) : most_(most) {}

  /** Returns how many were kept: fewer at the bound, or if memory is short. */
  std::size_t add(std::span<const std::byte> some) {
    const auto left = static_cast<std::size_t>(std::min<std::uint64_t>(most_ - size_, some.size()));
    if (!pages_ && few_.size() + left <= kFew) {
      few_.insert(few_.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(left));
      size_ += left;
      return left;
    }
    if (!pages_ && !move_to_pages()) return 0;
    std::memcpy(pages_.begin() + size_, some.data(), left);
    size_ += left;
    return left;
  }

  [[nodiscard]] std::span<std::byte> bytes() noexcept { return {pages_ ? pages_.begin() : few_.data(), size_}; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /** The pages that hold the bytes, if there are many. The bytes are not moved. */
  Pages take_pages() { return std::move(pages_); }

 private:
  /** One read of a pipe: what costs less to copy than to map. */
  static constexpr std::size_t kFew = 65536;

  bool move_to_pages() {
    pages_ = Pages::map(most_);
    if (!pages_) return false;
    std::ranges::copy(few_, pages_.begin());
    few_ = {};
    return true;
  }

  std::uint64_t most_;
  std::size_t size_ = 0;
  std::vector<std::byte> few_;
  Pages pages_;
};

/** The end of a command's output to a place from which nothing is read back. */
class LastBytes {
 public:
  void add(std::span<const std::byte> some) {
    if (some.size() > kMost) some = some.last(kMost);
    const std::size_t most_of_old = kMost - some.size();
    if (bytes_.size() > most_of_old)
      bytes_.erase(bytes_.begin(), bytes_.end() - static_cast<std::ptrdiff_t>(most_of_old));
    bytes_.insert(bytes_.end(), some.begin(), some.end());
  }

  [[nodiscard]] const std::vector<std::byte>& bytes() const noexcept { return bytes_; }

 private:
  /**
   * The part that is searched for hints, and a byte that shows whether there was more (tailSize in
   * src/command/hint-evidence.ts).
   */
  static constexpr std::size_t kMost = 8 * 1024 + 1;

  std::vector<std::byte> bytes_;
};

}  // namespace buildjail
