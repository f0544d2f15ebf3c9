#pragma once

#include <array>
#include <cstdint>

namespace buildjail {

/** A system call in a trace by ktrace(2): the use of its paths, and the folders where they begin. */
struct TracedCall {
  enum class Kind : std::uint8_t {
    /** It only looks at the file. */
    kLook,
    /** As the flags of open(2) say. */
    kOpen,
    /** It changes or removes the file. */
    kChange,
    /** It makes the file. */
    kMake,
    /** Its first path exists, and it makes the second. */
    kMakeSecond,
    kExecute,
    /** Its descriptor is the program's. */
    kExecuteOpen,
    /** Its descriptor is a folder, whose names it reads. */
    kList,
    kChangeDirectory,
    kChangeDirectoryOpen,
    kChangeRoot,
    kChangeRootOpen,
    /** Its name is its result: the working directory. */
    kTellDirectory,
    /** It enters the jail of the session. */
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
    /** Its names are not names of files. */
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

/** An unknown call is taken to look at its paths, from the working directory. */
const TracedCall& traced_call(int number);

}  // namespace buildjail
