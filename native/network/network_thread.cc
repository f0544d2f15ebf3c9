#include "network/network_thread.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <future>

#include "base/signals.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kRetry{100};

}  // namespace

Status NetworkThread::start() {
  const std::lock_guard lock(mutex_);
  if (thread_.joinable()) return {};
  auto mailbox = Mailbox::create("network");
  if (!mailbox) return std::move(mailbox.error());
  mailbox_ = std::move(*mailbox);
  return caught("network", [this]() -> Status {
    // The thread has the mask of the one that makes it: no handler of the host program runs in it.
    const BlockedSignals blocked;
    thread_ = std::thread([this] { loop(); });
    return {};
  });
}

NetworkThread::~NetworkThread() {
  if (!thread_.joinable()) return;
  mailbox_->post([this] { is_stopping_ = true; });
  thread_.join();
}

std::shared_ptr<SessionNetwork> NetworkThread::add(const std::string& session, AllowedNames names, bool checks_tls,
                                                   SessionSockets sockets) {
  auto made =
      std::make_shared<SessionNetwork>(session, std::move(names), checks_tls, std::move(sockets), mailbox_, listener_);
  mailbox_->post([this, made] { networks_.push_back(made); });
  return made;
}

void NetworkThread::end(const std::shared_ptr<SessionNetwork>& network, End how) {
  // Shared, because what is posted must be copyable (std::function).
  const auto ended = std::make_shared<std::promise<void>>();
  mailbox_->post([this, network, ended, how] {
    if (how == End::kAllSent) network->finish(SessionNetwork::Clock::now());
    ending_.push_back({.network = network, .how = how, .ended = ended});
  });
  ended->get_future().wait();
}

void NetworkThread::end_finished(SessionNetwork::Clock::time_point now) {
  std::erase_if(ending_, [&](const Ending& one) {
    if (one.how == End::kAllSent && !one.network->is_finished(now)) return false;
    one.network->end(now);
    std::erase(networks_, one.network);
    one.ended->set_value();
    return true;
  });
}

void NetworkThread::loop() {
  MovingRoom room;
  Awaited awaited;
  while (!is_stopping_) {
    auto now = SessionNetwork::Clock::now();
    awaited.clear();
    const auto wake = awaited.add(mailbox_->fd(), POLLIN);
    for (const auto& one : networks_) one->await(awaited, now);
    if (!awaited.wait(now)) {
      // Out of memory, say: not again and again at once.
      if (errno != EINTR) std::this_thread::sleep_for(kRetry);
      continue;
    }
    now = SessionNetwork::Clock::now();
    for (const auto& one : networks_) one->turn(awaited, now, room);
    if (awaited.happened(wake) != 0) mailbox_->empty();
    end_finished(now);
    if (networks_.empty()) room.pipe.close();
  }
}

}  // namespace buildjail
