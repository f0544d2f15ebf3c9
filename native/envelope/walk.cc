#include "envelope/walk.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

namespace buildjail {

namespace {

SysError of_step(SysError error, const Part& part) {
  if (error.step.empty()) error.step = part.step();
  if (error.path.empty()) error.path = part.target();
  return error;
}

/** Those that are known by now and are not noted yet. */
template <class Listed>
std::vector<Fact> new_facts(std::span<Listed> parts) {
  std::vector<Fact> facts;
  for (Listed& one : parts) {
    if (one.is_noted) continue;
    auto known = one.part->facts();
    one.is_noted = !known.empty();
    std::ranges::move(known, std::back_inserter(facts));
  }
  return facts;
}

}  // namespace

Walk::Walk(Parts rebuilt) {
  for (auto& part : rebuilt) parts_.push_back({.part = std::move(part), .is_noted = true});
}

Walk::~Walk() {
  try {
    static_cast<void>(take_away());
  } catch (...) {  // NOLINT(bugprone-empty-catch): no memory to tell of it, and nobody to tell
  }
}

Status Walk::open(Parts parts, Journal& journal, Trace& trace) {
  auto status = add(std::move(parts), journal, trace);
  if (status) return status;
  SysError& error = status.error();
  for (const auto& left : take_away().failures) {
    error.detail += "; and could not be undone: " + left.syscall + " '" + left.path + "', " + errno_name(left.err);
    if (!left.detail.empty()) error.detail += " (" + left.detail + ")";
  }
  return status;
}

Status Walk::add(Parts parts, Journal& journal, Trace& trace) {
  std::size_t at = parts_.size();
  for (auto& part : parts) parts_.push_back({.part = std::move(part)});
  // All facts that are known at the beginning go by one write. A fact that becomes known later has its own.
  bool is_known_noted = false;
  for (; at < parts_.size(); ++at) {
    Part& part = *parts_[at].part;
    Status status;
    if (journal.is_open()) {
      const auto facts = new_facts(is_known_noted ? std::span(parts_).subspan(at, 1) : std::span(parts_));
      is_known_noted = true;
      if (!facts.empty()) status = journal.note(facts);
    }
    if (status) status = part.make(trace);
    if (!status) {
      parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(at) + 1, parts_.end());
      return of_step(std::move(status.error()), part);
    }
    if (!part.step().empty()) trace.mark(std::string(part.step()), std::string(part.target()));
  }
  return {};
}

CloseReport Walk::take_away() {
  CloseReport report;
  TakingAway taking{.trace = report.trace};
  // Only these keep others. What stays for their sake does not: the jail stays for a mount, and no other mount does.
  std::vector<const Part*> stuck;
  for (std::size_t at = parts_.size(); at-- > 0;) {
    Part& part = *parts_[at].part;
    if (std::ranges::any_of(stuck, [&part](const Part* later) { return later->stands_on(part); })) continue;
    if (auto status = part.take_away(taking); !status) {
      report.failures.push_back(of_step(std::move(status.error()), part));
      stuck.push_back(&part);
    } else {
      parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  report.left_in_outputs = std::move(taking.left_in_outputs);
  return report;
}

}  // namespace buildjail
