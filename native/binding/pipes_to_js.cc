#include "binding/pipes_to_js.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace buildjail {

Pipes take_pipes(const LaunchRequest& request, StdioEnds& ends) {
  Pipes pipes;
  for (std::size_t i = 0; i < pipes.size(); ++i) {
    const StdioKind kind = request.stdio.at(i).kind;
    if (kind != StdioKind::kPipe && kind != StdioKind::kSocket) continue;
    pipes.at(i) = std::make_shared<UniqueFd>(std::move(ends.ours.at(i)));
    if (kind == StdioKind::kSocket) ends.sockets.emplace_back(pipes.at(i));
  }
  return pipes;
}

Napi::Array hand_over(Napi::Env env, Runtime& runtime, Pipes& pipes) {
  auto fds = Napi::Array::New(env, pipes.size());
  for (std::size_t i = 0; i < pipes.size(); ++i) {
    const auto& pipe = pipes.at(i);
    fds.Set(static_cast<std::uint32_t>(i), pipe ? pipe->get() : -1);
    if (pipe) runtime.keep_descriptor(pipe);
  }
  return fds;
}

}  // namespace buildjail
