/* Reads what plan.mjs wrote: words separated by tabs, the first of which says what the line is. */
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "floor.h"

enum { MAX_WORDS = 4, MAX_LINE = 8192 };

static const char *const kinds[KINDS] = {"directory", "placeholder", "symlink", "tmpfs",
                                         "dev",       "proc",        "bind",    "bind-file"};

static char *copy_of(const char *text) {
  char *copy = strdup(text);
  if (copy == NULL) fail("strdup", text);
  return copy;
}

static void add_step(struct plan *plan, enum kind kind, char **words) {
  if (plan->step_count == MAX_STEPS) fail_with("too many steps, with", words[1], E2BIG);
  plan->steps[plan->step_count++] = (struct step){
      .kind = kind,
      .target = copy_of(words[1]),
      .source = copy_of(words[2]),
      .files = copy_of(words[3]),
      .mode = (mode_t)strtol(words[3], NULL, 8),
      .is_writable = strcmp(words[3], "rw") == 0,
  };
}

static void set(struct plan *plan, const char *name, const char *value) {
  const char *const names[] = {"hostname", "cwd", "command", "root", "ruleset"};
  char **const texts[] = {&plan->hostname, &plan->cwd, &plan->command, &plan->root, &plan->ruleset};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    if (strcmp(names[i], name) == 0) *texts[i] = copy_of(value);
  if (strcmp(name, "uid") == 0) plan->uid = (uid_t)strtoul(value, NULL, 10);
  if (strcmp(name, "gid") == 0) plan->gid = (gid_t)strtoul(value, NULL, 10);
  if (strcmp(name, "refuse") == 0) {
    if (plan->refusal_count == MAX_REFUSALS) fail_with("too many refusals, with", value, E2BIG);
    plan->refusals[plan->refusal_count++] = copy_of(value);
  }
}

static void add_line(struct plan *plan, char **words, int count) {
  int kind = 0;
  while (kind < KINDS && strcmp(kinds[kind], words[0]) != 0) kind++;
  if (kind < KINDS && count == 4)
    add_step(plan, (enum kind)kind, words);
  else if (count == 2)
    set(plan, words[0], words[1]);
  else
    fail_with("line of the plan", words[0], EINVAL);
}

void read_plan(struct plan *plan, const char *path) {
  char line[MAX_LINE];
  FILE *file = fopen(path, "r");
  if (file == NULL) fail("fopen", path);
  memset(plan, 0, sizeof(*plan));
  while (fgets(line, sizeof(line), file) != NULL) {
    char *words[MAX_WORDS];
    char *rest = line;
    int count = 0;
    line[strcspn(line, "\n")] = '\0';
    while (rest != NULL && count < MAX_WORDS) words[count++] = strsep(&rest, "\t");
    add_line(plan, words, count);
  }
  fclose(file);
}
