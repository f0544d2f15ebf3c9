#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace buildjail {

/** A connection that is over, or a name that was refused: NativeNetworkEvent of src/native/binding.ts. */
struct NetworkEvent {
  enum class Kind : std::uint8_t { kConnection, kRefused };

  Kind kind = Kind::kConnection;
  /** As the build asked for it, in lower case; of an address its text, of the host's loopback `host`. */
  std::string name;
  std::uint16_t port = 0;
  /** The address outside, connected or refused. Empty if there was none. */
  std::string address{};
  /** In bytes, from the build and to it. */
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::int64_t duration_ms = 0;
  std::string_view outcome;
  /** Of a name that was refused: how often since the last report. */
  std::uint64_t count = 0;
};

/**
 * Called with the events of a session, on the network thread. It must not wait. It keeps `until_told` until the events
 * have been reported: a session with many unreported ones gets no new connections.
 */
using NetworkListener =
    std::function<void(const std::string& session, std::vector<NetworkEvent> events, std::shared_ptr<void> until_told)>;

/** The outcomes of src/native/binding.ts. */
namespace outcome {
inline constexpr std::string_view kClosed = "closed";
inline constexpr std::string_view kReset = "reset";
inline constexpr std::string_view kTimeout = "timeout";
inline constexpr std::string_view kRefused = "refused";
inline constexpr std::string_view kUnreachable = "unreachable";
inline constexpr std::string_view kUnresolved = "unresolved";
inline constexpr std::string_view kPrivate = "private";
inline constexpr std::string_view kTlsName = "tls-name";
inline constexpr std::string_view kLimit = "limit";
inline constexpr std::string_view kName = "name";
}  // namespace outcome

}  // namespace buildjail
