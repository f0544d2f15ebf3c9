#pragma once

#include <array>
#include <cstdint>

namespace buildjail {

/** A system call as a trace by ktrace(2) shows it: what it looks its paths up for, and from where. */
struct TracedCall {
  enum class Kind : std::uint8_t {
    /** For what the file is. */
    kLook,
    /** As the flags of open(2) say. */
    kOpen,
    /** It changes or removes what is there. */
    kChange,
    /** It makes what was not there. */
    kMake,
    /** Its first path is there, and it makes the second. */
    kMakeSecond,
    kExecute,
    /** Its descriptor is that of the program. */
    kExecuteOpen,
    /** Its descriptor is a folder, whose names it reads. */
    kList,
    kChangeDirectory,
    kChangeDirectoryOpen,
    kChangeRoot,
    kChangeRootOpen,
    /** Its name is what it found: the working directory. */
    kTellDirectory,
    /** Into the jail of the session. */
    kEnter,
    kClose,
    kCloseRange,
    kCloseFrom,
    kDuplicate,
    kDuplicateTo,
    kControl,
    kFork,
    kForkAsFlagged,
    kEndThread,
    kTrace,
    /** Its names are of no files. */
    kOfNoFile,
  };
  static constexpr std::int8_t kNone = -1;

  int number;
  Kind kind = Kind::kLook;
  /** The arguments with the descriptors of the folders that its paths begin from; none: the working directory. */
  std::array<std::int8_t, 2> folders{kNone, kNone};
  /** The argument with the flags of open(2). */
  std::int8_t flags = kNone;
};

/** Of a call that is not known: it looks at its paths, from the working directory. */
const TracedCall& traced_call(int number);

}  // namespace buildjail
