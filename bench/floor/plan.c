/* Reads what plan.mjs wrote: words separated by tabs, the first of which says what the line is. */
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "floor.h"

enum { MAX_WORDS = 8, MAX_LINE = 8192 };

static char *copy_of(const char *text) {
  char *copy = strdup(text);
  if (copy == NULL) fail("strdup", text);
  return copy;
}

static void *grown(void *array, size_t count, size_t size) {
  /* Doubled at every power of two. */
  if (count > 0 && (count & (count - 1)) != 0) return array;
  void *larger = realloc(array, (count == 0 ? 1 : count * 2) * size);
  if (larger == NULL) fail("realloc", "");
  return larger;
}

static void add_step(struct plan *plan, struct step step) {
  plan->steps = grown(plan->steps, plan->step_count, sizeof(step));
  plan->steps[plan->step_count++] = step;
}

static void add_refusal(struct plan *plan, const char *name) {
  plan->refusals = grown(plan->refusals, plan->refusal_count, sizeof(char *));
  plan->refusals[plan->refusal_count++] = copy_of(name);
}

static void add_line(struct plan *plan, char **words, int count) {
  const char *what = words[0];
  struct step step = {.target = count > 1 ? copy_of(words[1]) : NULL};

  if (strcmp(what, "directory") == 0 && count == 3) {
    step.kind = DIRECTORY;
    step.mode = (mode_t)strtol(words[2], NULL, 8);
    add_step(plan, step);
  } else if (strcmp(what, "placeholder") == 0 && count == 2) {
    step.kind = PLACEHOLDER;
    add_step(plan, step);
  } else if (strcmp(what, "symlink") == 0 && count == 3) {
    step.kind = SYMLINK;
    step.source = copy_of(words[2]);
    add_step(plan, step);
  } else if (strcmp(what, "tmpfs") == 0 && count == 3) {
    step.kind = TMPFS;
    step.size = copy_of(words[2]);
    add_step(plan, step);
  } else if (strcmp(what, "dev") == 0 && count == 2) {
    step.kind = DEV;
    add_step(plan, step);
  } else if (strcmp(what, "proc") == 0 && count == 2) {
    step.kind = PROC;
    add_step(plan, step);
  } else if (strcmp(what, "bind") == 0 && count == 5) {
    step.kind = BIND;
    step.source = copy_of(words[2]);
    step.is_file = strcmp(words[3], "file") == 0;
    step.is_writable = strcmp(words[4], "rw") == 0;
    add_step(plan, step);
  } else if (strcmp(what, "hostname") == 0 && count == 2) {
    plan->hostname = step.target;
  } else if (strcmp(what, "chdir") == 0 && count == 2) {
    plan->working_directory = step.target;
  } else if (strcmp(what, "command") == 0 && count == 2) {
    plan->command = step.target;
  } else if (strcmp(what, "user") == 0 && count == 3) {
    plan->uid = (uid_t)strtoul(words[1], NULL, 10);
    plan->gid = (gid_t)strtoul(words[2], NULL, 10);
  } else if (strcmp(what, "init") == 0 && count == 2) {
    plan->init = step.target;
  } else if (strcmp(what, "root") == 0 && count == 2) {
    plan->root = step.target;
  } else if (strcmp(what, "ruleset") == 0 && count == 2) {
    plan->ruleset = step.target;
  } else if (strcmp(what, "refuse") == 0 && count == 2) {
    add_refusal(plan, words[1]);
  } else {
    fail_with("line of the plan", what, EINVAL);
  }
}

void read_plan(struct plan *plan, const char *path) {
  char line[MAX_LINE];
  FILE *file = fopen(path, "r");
  if (file == NULL) fail("fopen", path);
  memset(plan, 0, sizeof(*plan));
  while (fgets(line, sizeof(line), file) != NULL) {
    char *words[MAX_WORDS];
    int count = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *word = line; word != NULL && count < MAX_WORDS; count++) {
      char *tab = strchr(word, '\t');
      if (tab != NULL) *tab = '\0';
      words[count] = word;
      word = tab == NULL ? NULL : tab + 1;
    }
    add_line(plan, words, count);
  }
  fclose(file);
}
