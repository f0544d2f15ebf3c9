#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "launch/flow.h"
#include "launch/stdio_relay.h"

namespace buildjail {

/**
 * What goes between commands and files of the host. A relay outlives its command where a process that the command left
 * still writes. Any thread, but where it says otherwise.
 */
class StdioRelays {
 public:
  /** `wake` is called from the threads of relays, and makes the waiter's thread call `look`. */
  explicit StdioRelays(std::function<void()> wake) : wake_(std::move(wake)) {}
  StdioRelays(const StdioRelays&) = delete;
  StdioRelays& operator=(const StdioRelays&) = delete;
  StdioRelays(StdioRelays&&) = delete;
  StdioRelays& operator=(StdioRelays&&) = delete;
  ~StdioRelays() { stop(); }

  /** Comes before the launch; `failed` is as RelayListener's. With no flows there is nothing to do. */
  Status begin(std::uint32_t run, std::uint64_t owner, std::vector<Flow> flows, std::function<void()> failed);
  /** There was no launch. */
  void drop(std::uint32_t run);
  [[nodiscard]] bool is_any() const noexcept { return count_ > 0; }
  /**
   * The command has ended: `look` calls `then` once all that it wrote is in its files. Where it has no relay, `then` is
   * called here.
   */
  void finish(std::uint32_t run, std::function<void(StdioRelay::Settled)> then);
  /** On the waiter's thread: calls what is to be called. */
  void look();
  /** No process of an owner is left: waits until its relays are over. False when the bound is reached first. */
  bool end(std::uint64_t owner, std::chrono::milliseconds bound);
  /** Ends all of them where they are, and `end` waits no more. Again: nothing to do. */
  void stop();

 private:
  struct Relayed {
    std::uint64_t owner;
    std::unique_ptr<StdioRelay> relay;
    /** Empty while the command runs, and once it was called. */
    std::function<void(StdioRelay::Settled)> then{};
    bool is_told = false;
  };

  std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable over_;
  std::atomic<std::size_t> count_ = 0;
  std::map<std::uint32_t, Relayed> relays_;
  /** Runs whose relays have something to tell. */
  std::vector<std::uint32_t> changed_;
  bool is_stopping_ = false;
};

}  // namespace buildjail
