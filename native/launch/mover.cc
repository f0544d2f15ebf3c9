#include "launch/mover.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>

namespace buildjail {

void CapturedStream::drain() {
  int available = 0;
  // Everything that the command wrote is in the pipe when it is dead, so the amount in it now bounds what is its own.
  if (!fd || ::ioctl(fd.get(), FIONREAD, &available) != 0) available = 0;
  auto left = static_cast<std::size_t>(available);
  while (left > 0) {
    const std::size_t size = read_some(std::min(left, kReadSize)).value_or(0);
    if (size == 0) break;
    left -= size;
  }
}

std::optional<std::size_t> CapturedStream::read_some(std::size_t most) {
  std::array<std::byte, kReadSize>
      buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read(2) fills what is used
  // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): the event queue saw something in it
  const ssize_t got = ::read(fd.get(), buffer.data(), most);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (got <= 0) return 0;
  const auto count = static_cast<std::size_t>(got);
  const std::size_t allowed = budget ? budget->spend(count) : count;
  is_over_bound |= bytes->add(std::span(buffer).first(allowed)) < allowed;
  return count;
}

Status Mover::begin(const LaunchRequest& request, std::uint64_t owner, StdioEnds& ends, std::function<void()> failed) {
  Command command;
  command.owner = owner;
  bool is_any = false;
  for (std::size_t i = 0; i < command.captured.size(); ++i) {
    if (request.stdio.at(i + 1).kind != StdioKind::kCapture) continue;
    command.captured.at(i) = {.fd = std::move(ends.ours.at(i + 1)),
                              .command_end = std::move(ends.child.at(i + 1)),
                              .budget = ends.budget,
                              .bytes = CapturedBytes(request.max_buffer)};
    is_any = true;
  }
  std::vector<std::unique_ptr<Flow>> flows;
  flows.reserve(ends.files.size() + 1);
  for (auto& file : ends.files) flows.push_back(std::move(file));
  ends.files.clear();
  command.terminal = ends.terminal.get();
  if (ends.terminal) flows.push_back(std::move(ends.terminal));
  // They begin to move at once, and their reports wait for the lock.
  const std::lock_guard lock(mutex_);
  if (!flows.empty()) {
    const std::uint32_t run = request.run;
    auto started = FlowThread::start(std::move(flows), {.failed = std::move(failed), .changed = [this, run] {
                                                          {
                                                            const std::lock_guard changing(mutex_);
                                                            changed_.push_back(run);
                                                          }
                                                          queue_.wake();
                                                        }});
    if (!started) return std::move(started.error());
    command.flows = std::move(*started);
    is_any = true;
  }
  if (is_any) commands_.insert_or_assign(request.run, std::move(command));
  return {};
}

Mover::Command* Mover::find(std::uint32_t run) {
  const auto found = commands_.find(run);
  return found == commands_.end() ? nullptr : &found->second;
}

std::array<int, 2> Mover::captured(std::uint32_t run) {
  const std::lock_guard lock(mutex_);
  const Command* const command = find(run);
  if (command == nullptr) return {-1, -1};
  return {command->captured[0].fd.get(), command->captured[1].fd.get()};
}

void Mover::drop(std::uint32_t run) {
  // Destroyed without the lock, which its flows' thread may wait for.
  decltype(commands_)::node_type dropped;
  {
    const std::lock_guard lock(mutex_);
    dropped = commands_.extract(run);
  }
  if (!dropped.empty()) close_captured(dropped.mapped());
}

void Mover::opened(std::uint32_t run) {
  const std::lock_guard lock(mutex_);
  const Command* const command = find(run);
  if (command == nullptr || command->terminal == nullptr) return;
  command->flows->post([terminal = command->terminal] { terminal->opened(); });
}

bool Mover::resize(std::uint32_t run, const winsize& size) {
  const std::lock_guard lock(mutex_);
  const Command* const command = find(run);
  if (command == nullptr || command->terminal == nullptr || command->is_ended) return false;
  command->flows->post([terminal = command->terminal, size] { terminal->resize(size); });
  return true;
}

void Mover::look_at_terminals() {
  const std::lock_guard lock(mutex_);
  for (const auto& [run, command] : commands_) {
    if (command.terminal == nullptr || command.is_ended) continue;
    command.flows->post([terminal = command.terminal] { terminal->look_again(); });
  }
}

bool Mover::read(std::uint32_t run, std::size_t stream) {
  const std::lock_guard lock(mutex_);
  Command* const command = find(run);
  if (command == nullptr) return false;
  auto& captured = command->captured.at(stream);
  if (captured.fd && captured.read_some() == 0) {
    queue_.forget_readable(captured.fd.get());
    captured.close();
  }
  return captured.is_over_bound;
}

Moved Mover::take_captured(Command& command) {
  Moved moved;
  for (std::size_t i = 0; i < command.captured.size(); ++i) {
    auto& stream = command.captured.at(i);
    if (!stream.bytes) continue;
    stream.drain();
    moved.is_max_buffer |= stream.is_over_bound;
    moved.output.at(i) = std::move(stream.bytes);
  }
  return moved;
}

void Mover::close_captured(Command& command) {
  for (CapturedStream& stream : command.captured) {
    if (stream.fd) queue_.forget_readable(stream.fd.get());
    stream.close();
  }
}

void Mover::finish(std::uint32_t run, const std::function<void(Moved)>& then) {
  decltype(commands_)::node_type finished;
  {
    const std::lock_guard lock(mutex_);
    Command* const command = find(run);
    if (command != nullptr && command->flows) {
      command->is_ended = true;
      command->moved = take_captured(*command);
      command->then = then;
      close_captured(*command);
      command->flows->command_ended();
      // They may be settled already, where the session was closed meanwhile.
      changed_.push_back(run);
      return;
    }
    finished = commands_.extract(run);
  }
  if (finished.empty()) return then({});
  then(take_captured(finished.mapped()));
  // After the result was reported, because no caller waits for this.
  close_captured(finished.mapped());
}

void Mover::look() {
  std::vector<std::pair<std::function<void(Moved)>, Moved>> ends;
  std::vector<std::unique_ptr<FlowThread>> over;
  {
    const std::lock_guard lock(mutex_);
    if (changed_.empty()) return;
    for (const std::uint32_t run : std::exchange(changed_, {})) {
      Command* const command = find(run);
      if (command == nullptr) continue;
      if (auto settled = command->flows->settled(); settled && command->then) {
        command->moved.files = std::move(*settled);
        ends.emplace_back(std::exchange(command->then, nullptr), std::move(command->moved));
      }
      if (!command->is_ended || command->then || !command->flows->is_over()) continue;
      over.push_back(std::move(command->flows));
      commands_.erase(run);
    }
  }
  for (auto& [then, moved] : ends) then(std::move(moved));
  // Their threads do nothing more.
  over.clear();
  changed_closing_.notify_all();
}

bool Mover::end(std::uint64_t owner, std::chrono::milliseconds bound) {
  std::unique_lock lock(mutex_);
  for (const auto& [run, command] : commands_) {
    if (command.owner == owner && command.flows) command.flows->end_when_settled();
  }
  const auto is_over = [&] {
    return std::ranges::none_of(commands_, [owner](const auto& entry) {
      const Command& command = entry.second;
      return command.owner == owner && command.flows && command.flows->holds_up_closing();
    });
  };
  changed_closing_.wait_for(lock, bound, [&] { return is_stopping_ || is_over(); });
  return is_over();
}

void Mover::stop() {
  // As in `drop`.
  decltype(commands_) ending;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    ending.swap(commands_);
  }
  changed_closing_.notify_all();
}

}  // namespace buildjail
