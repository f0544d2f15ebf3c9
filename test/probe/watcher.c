/* watcher PATH    says what others do with what lies in a folder (inotify(7), inotify(2)), until one file was opened there */
#include <sys/types.h>
#include <sys/inotify.h>

#include <stdio.h>
#include <unistd.h>

#include "answer.h"

int
main(int argc, char **argv)
{
	static char room[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *event = (const void *)room;
	int events = inotify_init();

	if (argc != 2)
		return 2;
	if (events < 0 || inotify_add_watch(events, argv[1], IN_OPEN) < 0)
		return tell(-1);
	printf("watching\n");
	fflush(stdout);
	if (read(events, room, sizeof(room)) > 0)
		printf("%s\n", event->len > 0 ? event->name : "itself");
	return 0;
}
