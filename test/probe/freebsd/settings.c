/*
 * On FreeBSD, the settings of the kernel (sysctl(3)), each of them.
 *
 *   settings show WORD...    the names of those whose values have one of the words in them; then how many were read
 *   settings put             puts into each what is in it, or else a 0; the names of those that take it, then how many were tried
 */
#include <sys/types.h>
#include <sys/sysctl.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *value;
static const size_t kMost = 16 << 20;

/* Of the kernel's own tree (sysctl_sysctl_next_ls in sys/kern/kern_sysctl.c). */
static int
ask_tree(int what, const int *name, size_t length, void *answer, size_t *size)
{
	int mib[CTL_MAXNAME + 2] = { CTL_SYSCTL, what };

	memcpy(mib + 2, name, length * sizeof(*name));
	return sysctl(mib, (unsigned)length + 2, answer, size, NULL, 0);
}

static int
next_of(int *name, size_t *length)
{
	int next[CTL_MAXNAME];
	size_t size = sizeof(next);

	if (ask_tree(CTL_SYSCTL_NEXTNOSKIP, name, *length, next, &size) != 0)
		return 0;
	memcpy(name, next, size);
	*length = size / sizeof(*next);
	return 1;
}

static const char *
text_of(const int *name, size_t length)
{
	static char text[1024];
	size_t size = sizeof(text);

	return ask_tree(CTL_SYSCTL_NAME, name, length, text, &size) == 0 ? text : "?";
}

static unsigned
kind_of(const int *name, size_t length)
{
	char format[256];
	unsigned kind = 0;
	size_t size = sizeof(format);

	if (ask_tree(CTL_SYSCTL_OIDFMT, name, length, format, &size) == 0)
		memcpy(&kind, format, sizeof(kind));
	return kind;
}

/* As much as there is, or as there is room for. */
static size_t
read_one(const int *name, size_t length)
{
	size_t size = kMost;

	return sysctl(name, (unsigned)length, value, &size, NULL, 0) == 0 || errno == ENOMEM ? size : 0;
}

static int
has_word(size_t size, char **words, int count)
{
	for (int i = 0; i < count; i++)
		if (memmem(value, size, words[i], strlen(words[i])) != NULL)
			return 1;
	return 0;
}

static int
show(char **words, int count)
{
	int name[CTL_MAXNAME] = { 1 };
	size_t length = 1;
	long read = 0;

	while (next_of(name, &length)) {
		size_t size = read_one(name, length);
		read += size > 0;
		if (size > 0 && has_word(size, words, count))
			printf("%s\n", text_of(name, length));
	}
	printf("read: %ld\n", read);
	return 0;
}

static int
put(void)
{
	int name[CTL_MAXNAME] = { 1 };
	size_t length = 1;
	long tried = 0;

	/* If one ends who writes to it (kern.signosys), the others are tried all the same. */
	signal(SIGSYS, SIG_IGN);
	while (next_of(name, &length)) {
		unsigned kind = kind_of(name, length);
		if ((kind & CTLFLAG_WR) == 0 || (kind & CTLTYPE) == CTLTYPE_NODE)
			continue;
		size_t size = read_one(name, length);
		if (size == 0)
			memset(value, 0, size = sizeof(int));
		tried++;
		if (sysctl(name, (unsigned)length, NULL, NULL, value, size) == 0)
			printf("%s\n", text_of(name, length));
	}
	printf("tried: %ld\n", tried);
	return 0;
}

int
main(int argc, char **argv)
{
	value = malloc(kMost);
	if (value != NULL && argc > 2 && strcmp(argv[1], "show") == 0)
		return show(argv + 2, argc - 2);
	if (value != NULL && argc == 2 && strcmp(argv[1], "put") == 0)
		return put();
	return 2;
}
