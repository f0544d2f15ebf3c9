#include "state/lessee.h"

#include "base/text.h"

namespace buildjail {

std::string line_of(const Holding& holding) { return holding.id + " " + escaped(holding.state_directory) + "\n"; }

std::vector<Holding> holdings_in(std::string_view text) {
  std::vector<Holding> holdings;
  text = text.substr(0, text.rfind('\n') + 1);
  while (!text.empty()) {
    std::string_view line = cut(text, '\n');
    Holding holding{.id = std::string(cut(line, ' ')), .state_directory = {}};
    if (unescape(line, holding.state_directory) && holding.state_directory.starts_with('/'))
      holdings.push_back(std::move(holding));
  }
  return holdings;
}

std::string name_of(const Holding& holding) { return "session " + holding.id + " of " + holding.state_directory; }

}  // namespace buildjail
