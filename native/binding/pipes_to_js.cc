#include "binding/pipes_to_js.h"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace buildjail {

Pipes take_pipes(const LaunchRequest& request, StdioEnds& ends) {
  Pipes pipes;
  for (std::size_t i = 0; i < pipes.size(); ++i) {
    if (request.stdio.at(i).kind == StdioKind::kPipe) pipes.at(i) = std::move(ends.ours.at(i));
  }
  return pipes;
}

Napi::Array hand_over(Napi::Env env, Pipes& pipes) {
  auto fds = Napi::Array::New(env, pipes.size());
  for (std::size_t i = 0; i < pipes.size(); ++i) fds.Set(static_cast<std::uint32_t>(i), pipes.at(i).release());
  return fds;
}

}  // namespace buildjail
