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

/** Places where nothing changes while a session is open: a path has the same result every time. */
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

  /** A build with mounts of its own can cover all of these places. */
  bool is_any_;
  std::vector<Place> places_;
};

/** The request of a call about one path. */
struct WantedPath {
  std::string path;
  Use use;
  bool follows;
  /** The call opens the file, so its mode must allow the use. */
  bool is_opened = false;
  /** The call opens the file for reading as well. */
  bool reads_too = false;
  /** The file may be missing. */
  bool may_be_made = false;
  /** The call fails if the file exists. */
  bool must_be_made = false;
};

/** Looks paths up in the root of a session, with the rights of the calling thread. */
class SessionPaths {
 public:
  /** `root` is held by O_PATH. */
  SessionPaths(LastingPlaces places, UniqueFd root) : places_(std::move(places)), root_(std::move(root)) {}

  /** Resolves `..` as the kernel does, which follows the links before it. False if the result cannot be known. */
  bool straighten(WantedPath& wanted, Doubt& doubt);
  /** The same from memory, if that folder was resolved before. */
  void straighten_again(WantedPath& wanted) const;
  /** Empty if links lead to a place that cannot be known. */
  std::optional<Lookup> found_at(const WantedPath& wanted, Doubt& doubt) const;
  /** Whether the path has the same result in every later call: it stays in one lasting place all the way. */
  bool lasts(const std::string& path, Doubt& doubt) const;
  /** The folders that a path goes up from, as far as the kernel gets, and the links before one that is missing. */
  [[nodiscard]] std::vector<std::string> turns_of(std::string_view path, Doubt& doubt) const;
  /** The links that a path leads through, each by its own place. */
  [[nodiscard]] std::vector<std::string> links_of(std::string path, bool follows, Doubt& doubt) const;
  /** A file, or the errno of the look-up. `flags` are those of open(2). */
  Pinned pin(const std::string& path, int flags, Doubt& doubt) const;

 private:
  /** A path with `..` after it is resolved, for each name in its folder. */
  struct Straight {
    std::string path;
    /** The kernel stops there, and looks up no name. */
    bool is_stop = false;
  };
  /** Where the kernel stops on a path. */
  struct Stop {
    /** The missing file, or the file in the place of a folder. */
    std::string path;
    /** The part of the path behind it. */
    std::string rest{};
    /** Links lead below /proc, which differs for each process. */
    bool is_in_proc = false;
  };

  static void lead(WantedPath& wanted, const Straight& straight, const std::string& name);
  /** Of a path that does not exist. Empty if it goes in a circle, or if a file on it has gone meanwhile. */
  std::optional<Stop> stop_of(std::string path, bool follows, Doubt& doubt) const;

  LastingPlaces places_;
  UniqueFd root_;
  /** Of folders with `..` in their paths, if they last. */
  std::unordered_map<std::string, Straight> straight_;
};

/** The text of an absolute link. */
std::optional<std::string> read_link(const std::string& path, Doubt& doubt);

}  // namespace buildjail
