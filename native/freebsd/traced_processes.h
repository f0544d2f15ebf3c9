#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "freebsd/known_folders.h"
#include "freebsd/traced_calls.h"
#include "seen/seen_paths.h"

namespace buildjail {

/** A record of ktrace(2) about one event. */
struct TraceRecord {
  int type;
  /** The kernel left out others of this process before it. */
  bool follows_lost;
  pid_t process;
  std::int64_t thread;
  std::int64_t time_us;
  std::span<const std::byte> data;
};

/**
 * Finds the paths of a session in the records of its processes. The records of one thread are in order. Those of a
 * child can come before the record that names its parent. Then they are held back, within a bound.
 */
class TracedProcesses {
 public:
  /** Whether the file at a path of the session was made at that time or later. */
  using MadeSince = std::function<bool(const std::string& path, std::int64_t time_us)>;

  TracedProcesses(std::shared_ptr<SeenPaths> seen, MadeSince made_since)
      : seen_(std::move(seen)), made_since_(std::move(made_since)) {}

  void see(const TraceRecord& record);
  /** Notes that a command was launched. Its records come before or after that. Any thread; one launch at a time. */
  void launched(pid_t command);
  /** No records follow. A process whose end was not recorded was not traced to its end. */
  void finish();

 private:
  /** A call that has not returned yet. */
  struct Call {
    const TracedCall* kind = nullptr;
    int number = 0;
    std::int64_t began_us = 0;
    std::array<std::uint64_t, 8> arguments{};
    std::vector<std::string> names{};
    std::string argv0{};

    [[nodiscard]] std::int32_t descriptor(std::int8_t index) const;
    [[nodiscard]] bool has_two_names() const;
    /** The folder where its nth name begins. */
    [[nodiscard]] int folder(std::size_t nth) const;
  };
  struct HeldRecord {
    int type;
    std::int64_t thread;
    std::int64_t time_us;
    std::vector<std::byte> data;
  };
  struct Process {
    /** Null until its parent is known. */
    std::shared_ptr<KnownFolders> folders{};
    std::vector<HeldRecord> held{};
    std::unordered_map<std::int64_t, Call> calls{};
    /** Its program is not the command's yet. */
    bool is_starting = false;
    /** Its calls have other numbers, those of another system. */
    bool is_foreign = false;
    bool has_ended = false;
  };
  struct Adoption {
    pid_t child;
    pid_t parent;
    std::shared_ptr<KnownFolders> folders;
    /** The time of the record that names it. Its own first record may be earlier. */
    std::int64_t time_us;
  };
  struct Outcome {
    int err;
    std::int64_t value;
  };

  /** Whether a record is the first of a process that our own child has begun to trace. */
  static bool is_of_launch(const Process& process, const TraceRecord& record);
  /** Notes one of the two signs of a launch: that it was made, or its first record. */
  void note_launch(pid_t command, int which);
  void hold(pid_t number, Process& process, const TraceRecord& record);
  /** A process whose parent is not known, and so not its working directory either. */
  void adopt_orphan(pid_t number);
  void adopt_all();
  void adopt(const Adoption& adoption);

  void interpret(pid_t number, Process& process, const TraceRecord& record);
  void enter_call(Process& process, const TraceRecord& record);
  void leave_call(pid_t number, Process& process, const TraceRecord& record);
  void look_up(pid_t number, const Process& process, const Call& call, Outcome outcome);
  void execute(pid_t number, Process& process, const Call& call, Outcome outcome);
  void change_folders(Process& process, const Call& call, Outcome outcome);
  void control(KnownFolders& folders, const Call& call, Outcome outcome);
  void fork(pid_t number, const Process& process, const Call& call, Outcome outcome, std::int64_t time_us);
  /** The call did not return. */
  void abandon(const Call& call);
  void end(pid_t number, Process& process, std::int64_t time_us);

  std::shared_ptr<SeenPaths> seen_;
  MadeSince made_since_;
  std::shared_ptr<std::size_t> folder_bytes_ = std::make_shared<std::size_t>(0);
  std::unordered_map<pid_t, Process> processes_;
  std::vector<Adoption> adoptions_;
  std::size_t held_bytes_ = 0;
  std::mutex launches_mutex_;
  /** 1 for a command that was launched and has no record yet, -1 for one that only has records. */
  std::unordered_map<pid_t, int> launches_;
};

}  // namespace buildjail
