/*
 * usage: floor PLAN. Reads requests from stdin, a line each: a kind and how many samples to take of it. `cold` prints a
 * line a sample, `OPEN RUN CLOSE`; `warm` and `bare` print `RUN`; all in nanoseconds. `done` follows the last.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "floor.h"

_Noreturn void fail_with(const char *what, const char *path, int err) {
  fprintf(stderr, "floor: %s %s: %s\n", what, path, strerror(err));
  exit(1);
}

_Noreturn void fail(const char *what, const char *path) { fail_with(what, path, errno); }

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void sample_cold(const struct plan *plan) {
  struct session session;
  const long long began = now_ns();
  open_session(plan, &session);
  const long long opened = now_ns();
  run_inside(plan, &session);
  const long long ran = now_ns();
  close_session(plan, &session);
  printf("%lld %lld %lld\n", opened - began, ran - opened, now_ns() - ran);
}

static void sample_warm(const struct plan *plan, const struct session *session) {
  const long long began = now_ns();
  run_inside(plan, session);
  printf("%lld\n", now_ns() - began);
}

static void sample_bare(const struct plan *plan) {
  const long long began = now_ns();
  run_bare(plan);
  printf("%lld\n", now_ns() - began);
}

int main(int argc, char **argv) {
  struct plan plan;
  struct session kept;
  int is_open = 0;
  char kind[16];
  int count;

  if (argc != 2) {
    fprintf(stderr, "usage: floor PLAN\n");
    return 2;
  }
  read_plan(&plan, argv[1]);
  prepare(&plan);
  while (scanf("%15s %d", kind, &count) == 2) {
    const int is_warm = strcmp(kind, "warm") == 0;
    if (is_warm && !is_open) open_session(&plan, &kept);
    is_open = is_open || is_warm;
    for (int i = 0; i < count; i++) {
      if (is_warm)
        sample_warm(&plan, &kept);
      else if (strcmp(kind, "cold") == 0)
        sample_cold(&plan);
      else if (strcmp(kind, "bare") == 0)
        sample_bare(&plan);
      else
        fail_with("request", kind, EINVAL);
    }
    printf("done\n");
    fflush(stdout);
  }
  if (is_open) close_session(&plan, &kept);
  return 0;
}
