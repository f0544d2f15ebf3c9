#include "envelope/system.h"

#include <chrono>
#include <utility>

#include "state/files.h"

namespace buildjail {

Result<std::unique_ptr<Envelope>> System::open(SharedPlan plan, const std::string& id, std::shared_ptr<Waiter> waiter,
                                               const Copying& copying) {
  Trace trace;
  const std::string& state_directory = plan->state_directory;
  if (auto status = prepare(*plan); !status) return std::move(status.error());
  Surroundings around;
  if (auto status = around.refuse_exposed(state_directory); !status) return std::move(status.error());
  auto leases = host_directory(around);
  if (!leases) return std::move(leases.error());
  if (auto status = watcher_.watch(state_directory, *leases); !status) return std::move(status.error());
  if (auto status = hold_state(state_directory); !status) return std::move(status.error());
  if (auto status = make_empty(state_directory); !status) return std::move(status.error());
  trace.mark("state-directory", state_directory);
  recover_first(state_directory, *leases, trace);
  Lessee lessee{.host_directory = *leases,
                .session = {.id = id, .state_directory = state_directory},
                .recovery_of = [leases = *leases](const std::string& of) { return recovery_of(of, leases); }};
  auto opened = make(std::move(plan), std::move(lessee), std::move(waiter), std::move(trace), copying);
  // A session without a watcher is not opened: nothing would clean up after a crash.
  if (auto status = watcher_.confirm(); !status) return std::move(status.error());
  return opened;
}

void System::recover_first(const std::string& state_directory, const std::string& leases, Trace& trace) {
  const std::lock_guard lock(recovering_);
  if (!recovered_.insert(state_directory).second) return;
  // Does not wait for sessions that another process is recovering. A session that cannot be recovered does not keep a
  // new one from being opened; recover() reports it.
  static_cast<void>(recovery_of(state_directory, leases).run(std::chrono::milliseconds(0)));
  trace.mark("recover", state_directory);
}

}  // namespace buildjail
