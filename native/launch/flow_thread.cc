#include "launch/flow_thread.h"

#include <algorithm>

#include "base/signals.h"

namespace buildjail {

namespace {

/** A fifo or a device must take the command's last output in this time. A regular file is written to in any case. */
constexpr std::chrono::milliseconds kPatience{5000};
/** A command may not be there yet, and so not be ended, when its output fails. */
constexpr std::chrono::milliseconds kFailedInterval{20};

/** For poll(2): it waits until something happens. As an unsigned number this is the longest time. */
constexpr int kNoBound = -1;

}  // namespace

Result<std::unique_ptr<FlowThread>> FlowThread::start(std::vector<std::unique_ptr<Flow>> flows, FlowListener listener) {
  return caught("stdio", [&]() -> Result<std::unique_ptr<FlowThread>> {
    auto mailbox = Mailbox::create("stdio");
    if (!mailbox) return std::move(mailbox.error());
    // Not make_unique: the constructor is private, because without its thread the object is useless.
    std::unique_ptr<FlowThread> started(new FlowThread(std::move(flows), std::move(listener), std::move(*mailbox)));
    started->thread_ = std::thread([at = started.get()] { at->loop(); });
    return started;
  });
}

FlowThread::~FlowThread() {
  if (!thread_.joinable()) return;
  mailbox_->post([this] { is_stopping_ = true; });
  thread_.join();
}

void FlowThread::post(std::function<void()> act) { mailbox_->post(std::move(act)); }

void FlowThread::command_ended() {
  post([this] {
    if (std::exchange(is_command_ended_, true)) return;
    for (const auto& flow : flows_) flow->nothing_follows();
  });
}

void FlowThread::end_when_settled() {
  post([this] {
    is_command_ended_ = true;
    if (std::exchange(is_ending_, true)) return;
    for (const auto& flow : flows_) flow->nothing_follows();
  });
}

std::optional<FlowThread::Settled> FlowThread::settled() {
  const std::lock_guard lock(mutex_);
  return settled_;
}

void FlowThread::loop() {
  // No handler of the host program must run here, and a terminal that we may not use now must not stop it (SIGTTIN).
  // SIGPIPE and SIGXFSZ, which write(2) sends to this thread, are told by errno as well.
  const BlockedSignals blocked;
  while (!is_stopping_ && tell_progress()) wait_and_move();
  for (const auto& flow : flows_) flow->end();
  holds_up_closing_ = false;
  is_over_ = true;
  listener_.changed();
}

bool FlowThread::tell_progress() {
  if (!is_command_ended_) {
    if (has_failed()) listener_.failed();
    return true;
  }
  if (is_ending_) {
    for (const auto& flow : flows_) {
      if (flow->holds_up_closing() && flow->is_settled() && !flow->is_over()) flow->end();
    }
  }
  const auto is_settled = [](const auto& flow) { return flow->is_settled(); };
  const bool is_news = !is_settled_told_ && std::ranges::all_of(flows_, is_settled);
  const bool holds_up =
      std::ranges::any_of(flows_, [](const auto& flow) { return flow->holds_up_closing() && !flow->is_over(); });
  if (is_news) {
    is_settled_told_ = true;
    const std::lock_guard lock(mutex_);
    settled_.emplace();
    for (const auto& flow : flows_) {
      auto& failure = flow->is_input() ? settled_->input_failure : settled_->output_failure;
      if (!failure) failure = flow->failure();
      if (const LastBytes* const last = flow->last_of_stderr()) settled_->last_of_stderr = *last;
    }
  }
  const bool is_changed = holds_up_closing_.exchange(holds_up) != holds_up;
  if (is_news || is_changed) listener_.changed();
  return !is_settled_told_ || !std::ranges::all_of(flows_, [](const auto& flow) { return flow->is_over(); });
}

void FlowThread::wait_and_move() {
  std::vector<pollfd> awaited{{.fd = mailbox_->fd(), .events = POLLIN, .revents = 0}};
  // Where the descriptors of each flow end.
  std::vector<std::size_t> ends;
  const bool was_settling = is_settling();
  int bound = longest_wait(was_settling);
  for (const auto& flow : flows_) {
    bound = std::ranges::min(bound, flow->await(awaited), {}, [](int time) { return static_cast<unsigned>(time); });
    ends.push_back(awaited.size());
  }
  const int happened = ::poll(awaited.data(), static_cast<nfds_t>(awaited.size()), bound);
  if (happened < 0) return;
  const auto now = Clock::now();
  if (!was_settling || happened > 0) {
    last_happened_ = now;
  } else if (now >= last_happened_ + kPatience) {
    last_happened_ = now;
    for (const auto& flow : flows_) flow->give_up();
  }
  std::size_t begin = 1;
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    flows_.at(i)->move(std::span(awaited).subspan(begin, ends.at(i) - begin));
    begin = ends.at(i);
  }
  if (awaited.front().revents != 0) mailbox_->empty();
}

int FlowThread::longest_wait(bool is_settling) const {
  if (is_settling) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(last_happened_ + kPatience - Clock::now());
    return std::max(0, static_cast<int>(left.count()));
  }
  return !is_command_ended_ && has_failed() ? static_cast<int>(kFailedInterval.count()) : kNoBound;
}

bool FlowThread::has_failed() const {
  return std::ranges::any_of(flows_, [](const auto& flow) { return flow->failure().has_value(); });
}

bool FlowThread::is_settling() const {
  return is_command_ended_ &&
         std::ranges::any_of(flows_, [](const auto& flow) { return flow->holds_up_closing() && !flow->is_settled(); });
}

}  // namespace buildjail
