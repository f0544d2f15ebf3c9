#include "state/name_walk.h"

#include <iterator>

#include "state/file_state.h"

namespace buildjail {

namespace {

/** The most names of files that a walk knows at a time, and the bytes of their paths. */
constexpr std::size_t kMostNames = std::size_t{1} << 18U;
constexpr std::size_t kMostPaths = std::size_t{1} << 20U;

}  // namespace

Status NameWalk::run_whole(int top) {
  for (;;) {
    begin_round();
    auto status = run(top);
    for (auto& [file, met] : met_) miss_names(std::move(met.path), met.is_of_note);
    if (!status || !next_) return status;
    first_ = *std::exchange(next_, std::nullopt);
  }
}

Status NameWalk::begin() {
  met_.clear();
  met_names_ = 0;
  met_paths_ = 0;
  return {};
}

Result<NameWalk::Names> NameWalk::look_for_names(const FileState& file, std::string_view name, bool is_of_note) {
  const auto is_still = still_has(file, name);
  if (!is_still) return is_still.error();
  if (!*is_still) return Names::kMoved;
  const Identity number{file.dev, file.ino};
  if (number < first_ || (next_ && number >= *next_)) return Names::kSome;
  const auto [at, is_new] = met_.try_emplace(number);
  Met& met = at->second;
  // defence: few-paths-of-names
  if (is_new && met_paths_ < kMostPaths) {
    met.path = path_of(name);
    met_paths_ += met.path.size();
  }
  if (met.changed_ns != file.changed_ns) {
    met_names_ -= met.names.size();
    met.names.clear();
    met.changed_ns = file.changed_ns;
  }
  met.is_of_note = is_of_note;
  if (met.names.insert(number_of(name)).second) ++met_names_;
  // defence: file-name-outside-output
  if (met.names.size() != file.links) {
    make_room();
    return Names::kSome;
  }
  forget(at);
  return Names::kAll;
}

void NameWalk::forget(std::map<Identity, Met>::iterator met) {
  met_names_ -= met->second.names.size();
  met_paths_ -= met->second.path.size();
  met_.erase(met);
}

void NameWalk::make_room() {
  if (met_names_ <= kMostNames || met_.size() == 1) return;
  const auto middle = std::next(met_.begin(), static_cast<std::ptrdiff_t>(met_.size() / 2));
  next_ = middle->first;
  while (met_.rbegin()->first >= *next_) forget(std::prev(met_.end()));
}

}  // namespace buildjail
