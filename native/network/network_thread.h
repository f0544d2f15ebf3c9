#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/mailbox.h"
#include "base/result.h"
#include "network/network_event.h"
#include "network/session_network.h"

namespace buildjail {

/**
 * The one thread that moves the bytes of all networks of names, in turns: none waits for another. It begins with the
 * first of them. Any thread may call it.
 */
class NetworkThread {
 public:
  explicit NetworkThread(NetworkListener listener) : listener_(std::move(listener)) {}
  NetworkThread& operator=(NetworkThread&&) = delete;
  ~NetworkThread();

  /** To be called before `add`. A second call does nothing. */
  Status start();
  /** The sockets have their names from the plan: see SessionSockets. */
  std::shared_ptr<SessionNetwork> add(const std::string& session, AllowedNames names, bool checks_tls,
                                      SessionSockets sockets);
  enum class End : std::uint8_t {
    /** Where they are. */
    kAtOnce,
    /** Once the servers have all bytes of the build (SessionNetwork::finish). No process of the build is left. */
    kAllSent
  };
  /** Waits until all connections of the network are closed and reported. */
  void end(const std::shared_ptr<SessionNetwork>& network, End how);

 private:
  struct Ending {
    std::shared_ptr<SessionNetwork> network;
    End how;
    std::shared_ptr<std::promise<void>> ended;
  };

  void loop();
  void end_finished(SessionNetwork::Clock::time_point now);

  NetworkListener listener_;
  std::mutex mutex_;
  std::shared_ptr<Mailbox> mailbox_;
  std::thread thread_;
  // Of the thread.
  std::vector<std::shared_ptr<SessionNetwork>> networks_;
  std::vector<Ending> ending_;
  bool is_stopping_ = false;
};

}  // namespace buildjail
