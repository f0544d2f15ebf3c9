#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "linux/caller_path.h"
#include "linux/doubt.h"
#include "plan/plan.h"
#include "seen/seen_paths.h"

namespace buildjail {

/** Where nothing changes while a session is open: what was found there once is found there again. */
class LastingPlaces {
 public:
  /** `rest` are the steps that complete a base. */
  LastingPlaces(const EnvelopePlan& plan, const std::vector<Step>& rest);

  /** The nearest place that the path is in, if it lasts; else empty. */
  [[nodiscard]] std::string_view around(std::string_view path) const;

 private:
  struct Place {
    std::string target;
    bool lasts;
  };

  /** A build with mounts of its own can cover all of them. */
  bool is_any_;
  std::vector<Place> places_;
};

/** What a call wants of one path. */
struct WantedPath {
  std::string path;
  Use use;
  bool follows;
  /** It is opened, so its mode must allow the use. */
  bool is_opened = false;
  /** It is opened for reading as well. */
  bool reads_too = false;
  /** Nothing needs to be there. */
  bool may_be_made = false;
  /** The call fails where something is there. */
  bool must_be_made = false;
};

/** What paths lead to in the root of a session, by the rights of the thread that asks. */
class SessionPaths {
 public:
  /** `root` is held by O_PATH. */
  SessionPaths(LastingPlaces places, UniqueFd root) : places_(std::move(places)), root_(std::move(root)) {}

  /** Takes `..` as the kernel does, which follows the links before it. False where it cannot be told. */
  bool straighten(WantedPath& wanted, Doubt& doubt);
  /** The same from memory, if it was done for that folder. */
  void straighten_again(WantedPath& wanted) const;
  /** Empty where links lead to what cannot be told. */
  std::optional<Lookup> found_at(const WantedPath& wanted, Doubt& doubt) const;
  /** Whether that path leads to the same in every later call: all the way it stays in one place that lasts. */
  bool lasts(const std::string& path, Doubt& doubt) const;
  /** The folders that a path goes up from, as far as the kernel gets, and the links before one that is missing. */
  [[nodiscard]] std::vector<std::string> turns_of(std::string_view path, Doubt& doubt) const;
  /** The links that a path leads through, each by where it lies itself. */
  [[nodiscard]] std::vector<std::string> links_of(std::string path, bool follows, Doubt& doubt) const;
  /** A file, or the errno of the look-up. `flags` are those of open(2). */
  Pinned pin(const std::string& path, int flags, Doubt& doubt) const;

 private:
  /** What a path with `..` comes to, for each name in its folder. */
  struct Straight {
    std::string path;
    /** The kernel stops there, and looks for no name. */
    bool is_stop = false;
  };
  /** Where the kernel stops on a path. */
  struct Stop {
    /** What is missing there, or the file that is in the place of a folder. */
    std::string path;
    /** What of the path is behind it. */
    std::string rest{};
    /** Links lead to what is below /proc, which is another for each process. */
    bool is_in_proc = false;
  };

  static void lead(WantedPath& wanted, const Straight& straight, const std::string& name);
  /** Of a path that is not there. Empty where it goes in a circle, or something on it has gone meanwhile. */
  std::optional<Stop> stop_of(std::string path, bool follows, Doubt& doubt) const;

  LastingPlaces places_;
  UniqueFd root_;
  /** Of folders with `..` in their paths, where that lasts. */
  std::unordered_map<std::string, Straight> straight_;
};

/** The text of an absolute link. */
std::optional<std::string> read_link(const std::string& path, Doubt& doubt);

}  // namespace buildjail
