#pragma once

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/tolerated.h"
#include "envelope/part.h"
#include "freebsd/mounts.h"
#include "freebsd/opening.h"
#include "freebsd/processes.h"
#include "state/journal.h"

namespace buildjail {

/**
 * The file in which the kernel keeps what the processes of a session with a trace do: in a tmpfs of its own, so that no
 * more than its size is lost to a build. No other user of the host enters its folder, and nothing leads there from the
 * session. The kernel holds the file open while a process is traced, so this part goes after the jail.
 */
class TraceRoom final : public Part {
 public:
  struct Reading {
    std::function<Status(std::string file)> begin{};
    std::function<void()> finish{};
  };

  /** The file of a dead session exists already, and is not read any more. */
  explicit TraceRoom(std::string folder, std::string fsid = {}) : folder_(std::move(folder)), fsid_(std::move(fsid)) {}
  TraceRoom(std::string folder, Reading reading) : folder_(std::move(folder)), reading_(std::move(reading)) {}
  static constexpr std::string_view kFacts = "trace";
  static constexpr std::string_view kFolder = "folder";
  static void add_planned(const JailOpening& opening, Parts& parts);
  static Status add_left(const DeadJailSession& dead, Parts& parts) {
    const std::string folder(dead.entry.fact(kFacts, kFolder));
    if (folder.empty()) return {};
    // defence: recovery-own-trace
    if (folder != trace_of(dead.state_directory, dead.entry.id))
      return not_noted_by_us("it names a folder for its trace that is not the session's own");
    const auto table = mount_table();
    if (!table) return table.error();
    std::string fsid;
    for (const MountEntry& mount : *table) {
      if (mount.on == folder) fsid = mount.fsid;
    }
    parts.push_back(std::make_unique<TraceRoom>(folder, std::move(fsid)));
    return {};
  }

  [[nodiscard]] std::string_view step() const override { return "trace"; }
  [[nodiscard]] std::vector<Fact> facts() const override {
    return {{std::string(kFacts), std::string(kFolder), folder_}};
  }
  [[nodiscard]] std::string_view place() const override { return folder_; }

  Status make(Trace&) override {
    if (::mkdir(folder_.c_str(), kMode) != 0) return last_error("trace", "mkdir", folder_);
    // A tmpfs takes the mode of the folder that it covers.
    IovecList options = empty_tmpfs(folder_, kMostFiles);
    // defence: trace-file-bounded
    options.add_string("size", std::to_string(kMostBytes));
    options.add_flag("nocover");
    if (auto status = nmount_options(options, MNT_NOSUID | MNT_NOEXEC, "trace", folder_); !status) return status;
    auto fsid = fsid_at(folder_, MNT_NOSUID | MNT_NOEXEC);
    if (!fsid) {
      static_cast<void>(unmount_target(folder_, 0));
      return std::move(fsid.error());
    }
    fsid_ = std::move(*fsid);
    return reading_.begin(folder_ + "/ktrace");
  }

  Status take_away(TakingAway& taking) override {
    if (reading_.finish) reading_.finish();
    if (!fsid_.empty()) {
      const Tolerated tolerated("it is tried again", EBUSY);
      auto status = unmount_target(fsid_, 0);
      while (!status && status.error().err == EBUSY && taking.wait_while_busy()) status = unmount_target(fsid_, 0);
      // ENOENT: another program unmounted it.
      if (!status && status.error().err != ENOENT) {
        status.error().path = folder_;
        return status;
      }
      taking.trace.mark("unmount", folder_);
      fsid_.clear();
    }
    if (::rmdir(folder_.c_str()) != 0 && errno != ENOENT) return last_error("trace", "rmdir", folder_);
    return {};
  }

 private:
  static constexpr mode_t kMode = 0700;
  static constexpr std::uint64_t kMostFiles = 4;
  static constexpr std::size_t kMostBytes = std::size_t{64} * 1024 * 1024;

  std::string folder_;
  std::string fsid_{};
  Reading reading_{};
};

}  // namespace buildjail
