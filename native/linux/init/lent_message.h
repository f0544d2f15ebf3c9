#pragma once

/*
 * What a controller sends to init about an output, with the descriptor of its lease's lock: where it is inside, which
 * directory it is, whose it is for the time of the session, and what it was before (state/lent_output.h). Sent up to the
 * end of the path, its NUL included. For C and C++.
 */
enum { kMostLent = 256 };

struct lent_message {
  unsigned long long number;
  unsigned major, minor;
  unsigned user, uid, gid, mode;
  char path[4096];
};
