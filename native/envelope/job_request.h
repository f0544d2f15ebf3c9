#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "launch/launch_request.h"
#include "plan/plan.h"

namespace buildjail {

/** The work to do with an envelope, in this order; each entry may be missing. src/native/wire-job.ts packs it. */
struct JobRequest {
  std::uint32_t number = 0;
  /** Of the session that is opened. */
  std::string id;
  /** What completes a base. */
  std::optional<std::vector<Step>> rest;
  std::optional<LaunchRequest> command;
  /** The envelope is closed when its command has ended. */
  bool closes = false;
  /** The end has the steps of opening and of closing. */
  bool tells_steps = false;
};

/** EINVAL when the bytes are no job of this version. */
Result<JobRequest> read_job(std::span<const std::byte> bytes);

}  // namespace buildjail
