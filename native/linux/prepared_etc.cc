#include "linux/prepared_etc.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>
#include <variant>

#include "base/unique_fd.h"
#include "linux/clone_child.h"
#include "linux/raw_calls.h"
#include "linux/skeleton.h"

namespace buildjail {

namespace {

constexpr const char* kEtc = "/etc";
constexpr std::string_view kBelow = "/etc/";
constexpr unsigned kFirstNotStdio = 3;
constexpr unsigned long kPlain = MS_NOSUID | MS_NODEV;

const std::string& target_of(const Step& step) {
  return std::visit([](const auto& one) -> const std::string& { return one.target; }, step);
}

bool lies_below(const std::string& inner, const std::string& outer) {
  return inner.size() > outer.size() && inner.starts_with(outer) && inner[outer.size()] == '/';
}

/** What is made in /etc, in order; nothing where some of it would be in what is mounted there. */
std::vector<const Step*> steps_in_etc(const std::vector<Step>& steps) {
  std::vector<const Step*> made;
  std::vector<const Step*> mounted;
  bool has_etc = false;
  for (const Step& step : steps) {
    const std::string& target = target_of(step);
    if (target == kEtc) has_etc = std::holds_alternative<MakeDirectory>(step);
    if (target == kEtc && !has_etc) return {};
    if (target.starts_with(kBelow)) (is_skeleton(step) ? made : mounted).push_back(&step);
  }
  const auto is_in_a_mount = [&mounted](const Step* step) {
    return std::ranges::any_of(mounted,
                               [step](const Step* mount) { return lies_below(target_of(*step), target_of(*mount)); });
  };
  return has_etc && std::ranges::none_of(made, is_in_a_mount) ? made : std::vector<const Step*>();
}

std::string content_of(const std::vector<const Step*>& steps) {
  std::string content;
  const auto add = [&content](std::string_view text) { content.append(text) += '\0'; };
  for (const Step* const step : steps) {
    content += static_cast<char>(step->index());
    add(target_of(*step));
    if (const auto* const directory = std::get_if<MakeDirectory>(step)) add(std::to_string(directory->mode));
    if (const auto* const link = std::get_if<MakeLink>(step)) add(link->value);
    // A text may hold anything.
    if (const auto* const text = std::get_if<WriteText>(step)) add(std::to_string(text->text.size()) + text->text);
  }
  return content;
}

struct Making {
  int empty;
  const std::vector<const Step*>& steps;
  int space = -1;
  bool is_done = false;
  Stopped stopped{};
};

// The descriptor of the space is ours as well, by CLONE_FILES, as in empty_mounts.cc. Those of the files are not:
// another thread's child would have a copy for a moment, and what is open for writing keeps a file system from becoming
// read-only (mount(2), EBUSY).
void run_child(void* context) {
  auto& making = *static_cast<Making*>(context);
  const auto failed = [&making](const char* syscall, int result) {
    if (result < 0) making.stopped = {.step = "prepare-etc", .syscall = syscall, .err = errno, .path = kEtc};
    return result < 0;
  };
  UniqueFd namespaces(::open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (failed("open", namespaces.get())) return;
  if (failed("setns", ::setns(making.empty, CLONE_NEWNS))) return;
  if (failed("unshare", ::unshare(CLONE_NEWNS))) return;
  making.space = ::openat(namespaces.get(), "mnt", O_RDONLY | O_CLOEXEC);
  if (failed("openat", making.space)) return;
  namespaces.reset();
  if (failed("close_range", raw::close_range(kFirstNotStdio, ~0U, raw::kCloseRangeUnshare))) return;
  ::umask(0);
  if (failed("mount", ::mount("tmpfs", kEtc, "tmpfs", kPlain, "mode=0755"))) return;
  for (const Step* const step : making.steps) {
    if (!make_skeleton(*step, making.stopped)) return;
  }
  // The file system itself, and not this mount alone: other sessions have it as well.
  // defence: sessions-linux-together-etc
  making.is_done = !failed("mount", ::mount(nullptr, kEtc, nullptr, MS_REMOUNT | MS_RDONLY | kPlain, nullptr));
}

Result<UniqueFd> make_space(const std::vector<const Step*>& steps, const UniqueFd& empty) {
  ChildStack stack;
  Making making{.empty = empty.get(), .steps = steps};
  const pid_t child = clone_child(CLONE_FILES, run_child, &making, stack);
  if (child < 0) return last_error("prepare-etc", "clone");
  reap_clone(child);
  UniqueFd space(making.space);
  if (making.stopped.syscall != nullptr) return error_of(making.stopped);
  if (!making.is_done) {
    errno = ECANCELED;
    return last_error("prepare-etc", "clone");
  }
  return above_stdio(std::move(space));
}

}  // namespace

bool PreparedEtc::has(const Step& step) { return is_skeleton(step) && target_of(step).starts_with(kBelow); }

Result<std::shared_ptr<const UniqueFd>> PreparedEtc::take(const std::vector<Step>& steps, const UniqueFd& empty) {
  const auto made = steps_in_etc(steps);
  if (made.empty()) return std::shared_ptr<const UniqueFd>();
  std::string content = content_of(made);
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(known_, content, &Known::content);
  if (found != known_.end()) {
    std::rotate(found, found + 1, known_.end());
    return known_.back().space;
  }
  auto space = make_space(made, empty);
  if (!space) return std::move(space.error());
  if (known_.size() == kMost) known_.erase(known_.begin());
  known_.push_back({std::move(content), std::make_shared<const UniqueFd>(std::move(*space))});
  return known_.back().space;
}

}  // namespace buildjail
