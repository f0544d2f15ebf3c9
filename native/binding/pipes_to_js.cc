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

Napi::Array hand_over(Napi::Env env, Runtime& runtime, Pipes& pipes) {
  auto fds = Napi::Array::New(env, pipes.size());
  for (std::size_t i = 0; i < pipes.size(); ++i) {
    const int fd = pipes.at(i).release();
    if (fd >= 0) runtime.keep_descriptor(fd);
    fds.Set(static_cast<std::uint32_t>(i), fd);
  }
  return fds;
}

}  // namespace buildjail
