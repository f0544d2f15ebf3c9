#include "plan/nesting.h"

#include <algorithm>

namespace buildjail {

namespace {

/** Component by component: what lies below a target comes straight after it. */
bool comes_before(const Bind* one, const Bind* other) {
  const auto weight = [](char c) { return c == '/' ? 0 : static_cast<int>(static_cast<unsigned char>(c)) + 1; };
  return std::ranges::lexicographical_compare(one->target, other->target, {}, weight, weight);
}

bool is_below(const Bind* inner, const Bind* outer) {
  const std::string_view above = outer->target;
  return inner->target.size() > above.size() && inner->target.starts_with(above) && inner->target[above.size()] == '/';
}

}  // namespace

Nesting nesting_in(const std::vector<Step>& steps) {
  const std::vector<Step> none;
  return nesting_in(steps, none);
}

Nesting nesting_in(const std::vector<Step>& steps, const std::vector<Step>& earlier) {
  auto binds = binds_of(steps);
  const auto base = binds_of(earlier);
  binds.insert(binds.end(), base.begin(), base.end());
  if (!std::ranges::is_sorted(binds, comes_before)) std::ranges::sort(binds, comes_before);
  Nesting nesting;
  std::vector<const Bind*> around;
  for (const Bind* const bind : binds) {
    while (!around.empty() && !is_below(bind, around.back())) around.pop_back();
    if (!around.empty()) nesting.emplace(bind, around.back());
    around.push_back(bind);
  }
  return nesting;
}

}  // namespace buildjail
