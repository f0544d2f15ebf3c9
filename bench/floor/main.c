/*
 * usage: floor PLAN. Reads requests from stdin, a line each: a kind and a count. `cold`, `warm` and `bare` take so many
 * samples and print the nanoseconds of each. `count-cold` and so on do it as often, and print how many system calls
 * that was, by name; that asks for the program that counts (compile.mjs). `done` follows the last line.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "floor.h"

static struct session kept;
static int is_kept;

static void cold(const struct plan *plan) {
  struct session session;
  open_session(plan, &session);
  run_inside(plan, &session);
  close_session(plan, &session);
}

static void warm(const struct plan *plan) { run_inside(plan, &kept); }

static const struct {
  const char *name;
  void (*act)(const struct plan *plan);
} requests[] = {{"cold", cold}, {"warm", warm}, {"bare", run_bare}};

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void serve(const struct plan *plan, const char *kind, int count) {
  const int is_counted = strncmp(kind, "count-", 6) == 0;
  const char *name = is_counted ? kind + 6 : kind;
  size_t i = 0;
  while (i < sizeof(requests) / sizeof(requests[0]) && strcmp(requests[i].name, name) != 0) i++;
  if (i == sizeof(requests) / sizeof(requests[0])) fail_with("request", kind, EINVAL);
  if (requests[i].act == warm && !is_kept) {
    open_session(plan, &kept);
    is_kept = 1;
  }
  if (is_counted) {
    if (begin_count == NULL) fail_with("request", kind, ENOSYS);
    begin_count();
    for (int sample = 0; sample < count; sample++) requests[i].act(plan);
    end_count(puts);
    return;
  }
  for (int sample = 0; sample < count; sample++) {
    const long long began = now_ns();
    requests[i].act(plan);
    printf("%lld\n", now_ns() - began);
  }
}

int main(int argc, char **argv) {
  static struct plan plan;
  char kind[16];
  int count;

  if (argc != 2) {
    fprintf(stderr, "usage: floor PLAN\n");
    return 2;
  }
  read_plan(&plan, argv[1]);
  prepare(&plan);
  while (scanf("%15s %d", kind, &count) == 2) {
    serve(&plan, kind, count);
    printf("done\n");
    fflush(stdout);
  }
  if (is_kept) close_session(&plan, &kept);
  return 0;
}
