#pragma once

#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>

#include "envelope/part.h"
#include "plan/plan.h"
#include "state/journal.h"

namespace buildjail {

/** The session's entry in the state directory. It is taken away after all that it tells of. */
class StateEntry final : public Part {
 public:
  /** `host_directory` is where its leases are; empty where it has none. */
  StateEntry(Journal& journal, std::string id, std::string name, std::string host_directory = {})
      : journal_(journal), id_(std::move(id)), name_(std::move(name)), host_directory_(std::move(host_directory)) {}

  [[nodiscard]] std::string_view step() const override { return "journal"; }
  [[nodiscard]] std::vector<Fact> facts() const override {
    return session_facts({.id = id_,
                          .name = name_,
                          .pid = ::getpid(),
                          .started_ms = now_ms(),
                          .host_directory = host_directory_,
                          .facts = {}});
  }
  Status make(Trace&) override { return journal_.begin(); }
  Status take_away(TakingAway&) override { return journal_.end(); }

 private:
  static std::int64_t now_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  }

  Journal& journal_;
  std::string id_;
  std::string name_;
  std::string host_directory_;
};

}  // namespace buildjail
