#include "envelope/part.h"

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

/** The facts that are known by now and not yet noted. */
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

Walk::Walk(Parts left) {
  for (auto& part : left) parts_.push_back({.part = std::move(part), .is_noted = true});
}

Walk::~Walk() {
  try {
    static_cast<void>(take_away());
  } catch (...) {  // NOLINT(bugprone-empty-catch): a destructor has no caller to report it to
  }
}

Status Walk::open(Parts parts, Journal& journal, Trace& trace) {
  auto status = add(std::move(parts), journal, trace);
  return status ? std::move(status) : give_up(std::move(status.error()));
}

SysError Walk::give_up(SysError error) {
  for (const auto& left : take_away().failures) {
    error.detail += "; and could not be undone: " + left.syscall + " '" + left.path + "', " + errno_name(left.err);
    if (!left.detail.empty()) error.detail += " (" + left.detail + ")";
  }
  return error;
}

Status Walk::add(Parts parts, Journal& journal, Trace& trace) {
  std::size_t at = parts_.size();
  for (auto& part : parts) parts_.push_back({.part = std::move(part)});
  // One write notes all facts that are known at the beginning. Later facts have a write of their own.
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
    if (status && journal.is_open()) {
      if (const auto facts = part.made_facts(); !facts.empty()) status = journal.note(facts);
    }
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
  // Only these keep earlier parts. A part that stays because of them does not: a mount keeps the jail, and no other
  // mount.
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
  report.taken = std::move(taking.taken);
  return report;
}

std::vector<SysError> take_away_left(Parts parts, Outcome& outcome) {
  Walk walk(std::move(parts));
  auto report = walk.take_away();
  walk.leave();
  outcome.recovered->taken = std::move(report.taken);
  return std::move(report.failures);
}

}  // namespace buildjail
