#pragma once

#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>

#include "envelope/part.h"
#include "plan/plan.h"
#include "state/journal.h"
#include "state/journal_entry.h"

namespace buildjail {

/** The session's entry in the state directory: what is taken away last, as it tells of all else. */
class StateEntry final : public Part {
 public:
  StateEntry(Journal& journal, std::string id, std::string name)
      : journal_(journal), id_(std::move(id)), name_(std::move(name)) {}

  [[nodiscard]] std::string_view step() const override { return "journal"; }
  [[nodiscard]] std::vector<Fact> facts() const override {
    return session_facts({.id = id_, .name = name_, .pid = ::getpid(), .started_ms = now_ms(), .facts = {}});
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
};

}  // namespace buildjail
