/*
 * What costs whoever walks through it: each name has 255 bytes, most of them newlines.
 *
 * trees deep FOLDER N     that many folders, each in the one before
 * trees wide FOLDER N     that many folders, side by side
 * trees linked FOLDER N D that many files of two names, each in one of two folders at the end of D folders, each in the one before
 * trees fifos FOLDER N D  that many fifos, at the end of so many
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>



static char name[256];

static void
failed(const char *what)
{
	perror(what);
	exit(1);
}

static const char *
numbered(int number)
{
	memset(name, '\n', 255);
	snprintf(name, sizeof(name), "%d", number);
	name[strlen(name)] = '\n';
	return name;
}

static void
descend(int levels)
{
	for (int i = 0; i < levels; i++) {
		if (mkdir(numbered(i), 0700) != 0 || chdir(name) != 0) failed("mkdir");
	}
}

static void
link_to(int from, int to)
{
	int file = openat(from, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (file < 0 || close(file) != 0 || linkat(from, name, to, name, 0) != 0) failed("linkat");
}

int
main(int argc, char **argv)
{
	int count = argc > 3 ? atoi(argv[3]) : 0;

	if (count == 0 || chdir(argv[2]) != 0) failed("chdir");
	if (strcmp(argv[1], "deep") == 0) descend(count);
	if (strcmp(argv[1], "wide") == 0) {
		for (int i = 0; i < count; i++) {
			if (mkdir(numbered(i), 0700) != 0) failed("mkdir");
		}
	}
	if (strcmp(argv[1], "linked") == 0) {
		descend(argc > 4 ? atoi(argv[4]) : 0);
		if (mkdir("a", 0700) != 0 || mkdir("b", 0700) != 0) failed("mkdir");
		int a = open("a", O_RDONLY), b = open("b", O_RDONLY);
		for (int i = 0; i < count; i++) {
			numbered(i);
			link_to(a, b);
		}
	}
	if (strcmp(argv[1], "fifos") == 0) {
		descend(argc > 4 ? atoi(argv[4]) : 0);
		for (int i = 0; i < count; i++) {
			if (mkfifo(numbered(i), 0600) != 0) failed("mkfifo");
		}
	}
	puts("made");
	return 0;
}
