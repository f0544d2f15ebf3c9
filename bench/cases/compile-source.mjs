/** A C file as a small project has them: headers of the system, a table, a few functions. No two are the same. */
export function sourceText(number) {
  return `#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct word {
  char *text;
  size_t length;
  unsigned long hash;
  struct word *next;
};

static struct word *table${number}[${61 + number}];

static unsigned long hash_of(const char *text, size_t length) {
  unsigned long hash = ${5381 + number};
  for (size_t i = 0; i < length; i++) hash = hash * 33 ^ (unsigned char)tolower((unsigned char)text[i]);
  return hash;
}

static struct word *find(const char *text, size_t length, unsigned long hash) {
  struct word *word = table${number}[hash % ${61 + number}];
  while (word != NULL && (word->hash != hash || word->length != length || memcmp(word->text, text, length) != 0))
    word = word->next;
  return word;
}

int add_word_${number}(const char *text) {
  const size_t length = strlen(text);
  const unsigned long hash = hash_of(text, length);
  if (find(text, length, hash) != NULL) return EEXIST;
  struct word *word = malloc(sizeof(*word));
  if (word == NULL) return ENOMEM;
  word->text = strdup(text);
  if (word->text == NULL) {
    free(word);
    return ENOMEM;
  }
  word->length = length;
  word->hash = hash;
  word->next = table${number}[hash % ${61 + number}];
  table${number}[hash % ${61 + number}] = word;
  return 0;
}

static int by_length(const void *a, const void *b) {
  const struct word *const *left = a, *const *right = b;
  return ((*left)->length > (*right)->length) - ((*left)->length < (*right)->length);
}

size_t print_words_${number}(FILE *to, size_t most) {
  struct word **sorted = calloc(most, sizeof(*sorted));
  size_t count = 0;
  if (sorted == NULL) return 0;
  for (size_t slot = 0; slot < ${61 + number}; slot++)
    for (struct word *word = table${number}[slot]; word != NULL && count < most; word = word->next) sorted[count++] = word;
  qsort(sorted, count, sizeof(*sorted), by_length);
  for (size_t i = 0; i < count; i++) fprintf(to, "%zu %lx %s\\n", sorted[i]->length, sorted[i]->hash, sorted[i]->text);
  free(sorted);
  return count;
}
`
}
