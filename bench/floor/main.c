/*
 * usage: floor PLAN. Reads requests from stdin, a line each: a kind and a count. `cold`, `warm` and `bare` take so many
 * samples and print the nanoseconds of each. The program that counts its calls (calls/compile.mjs) does it as often,
 * and prints how many system calls that was, by name. `done` follows the last line.
 */

#include <time.h>

#include "floor.h"

static struct session kept;

static void cold(const struct plan *plan) {
  struct session session;
  open_session(plan, &session);
  run_inside(plan, &session);
  close_session(plan, &session);
}

static void warm(const struct plan *plan) { run_inside(plan, &kept); }

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

typedef void act(const struct plan *plan);

static act *act_of(const char *kind) {
  if (strcmp(kind, "cold") == 0) return cold;
  if (strcmp(kind, "warm") == 0) return warm;
  if (strcmp(kind, "bare") == 0) return run_bare;
  fail_with("request", kind, EINVAL);
}

static void serve(const struct plan *plan, act *act, int count) {
  if (act == warm && kept.id == 0) open_session(plan, &kept);
  if (begin_count != NULL) begin_count();
  for (int sample = 0; sample < count; sample++) {
    const long long began = now_ns();
    act(plan);
    if (begin_count == NULL) printf("%lld\n", now_ns() - began);
  }
  if (end_count != NULL) end_count(puts);
}

int main(int argc, char **argv) {
  static struct plan plan;
  char kind[16];
  int count;

  if (argc != 2) fail_with("usage: floor", "PLAN", EINVAL);
  read_plan(&plan, argv[1]);
  prepare();
  while (scanf("%15s %d", kind, &count) == 2) {
    serve(&plan, act_of(kind), count);
    printf("done\n");
    fflush(stdout);
  }
  if (kept.id != 0) close_session(&plan, &kept);
  return 0;
}
