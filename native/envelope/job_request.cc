#include "envelope/job_request.h"

#include <cerrno>

#include "plan/wire_reader.h"

namespace buildjail {

namespace {

constexpr std::uint8_t kCloses = 1;
constexpr std::uint8_t kTellsStarted = 2;
constexpr std::uint8_t kTellsSteps = 4;

}  // namespace

Result<JobRequest> read_job(std::span<const std::byte> bytes) {
  WireReader reader(bytes);
  reader.limit();
  JobRequest job;
  if (reader.u32() != kWireVersion) reader.refuse();
  job.number = reader.u32();
  const std::uint8_t flags = reader.u8();
  job.closes = (flags & kCloses) != 0;
  job.tells_steps = (flags & kTellsSteps) != 0;
  job.id = reader.string();
  if (reader.u8() == 1) job.rest = read_rest(reader);
  if (reader.u8() == 1) {
    job.command = read_launch(reader);
    job.command->run = job.number;
    job.command->tells_started = (flags & kTellsStarted) != 0;
  }
  if (reader.is_complete()) return job;
  return SysError{.step = "job", .syscall = "read_job", .err = EINVAL, .detail = "malformed job"};
}

}  // namespace buildjail
