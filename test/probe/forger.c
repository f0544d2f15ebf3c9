/*
 * forger NAME    binds a Unix socket of that name in the working directory and fills its queue, of which the kernel of FreeBSD
 *                tells in its message buffer, by the name.
 * forger         stores extended attributes at files of the working directory until there is no room: `attributes: BYTES`.
 */
#include <sys/types.h>
#ifdef __FreeBSD__
#include <sys/extattr.h>
#endif
#include <sys/socket.h>
#include <sys/un.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"

static int
connect_to(const struct sockaddr_un *address)
{
	int one = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	return connect(one, (const struct sockaddr *)address, sizeof(*address));
}

static void
fill_queue(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listening = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	tell_of("bind", bind(listening, (struct sockaddr *)&address, sizeof(address)));
	listen(listening, 1);
	for (int i = 0; i < 4; i++)
		connect_to(&address);
}

static void
store_attributes(void)
{
	long stored = 0;
#ifdef __FreeBSD__
	static char bytes[32768];
	char name[32];

	for (int i = 0; i < 2048; i++) {
		snprintf(name, sizeof(name), "file-%d", i / 8);
		int file = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

		if (file < 0)
			break;
		snprintf(name, sizeof(name), "attribute-%d", i % 8);
		ssize_t put = extattr_set_fd(file, EXTATTR_NAMESPACE_USER, name, bytes, sizeof(bytes));
		close(file);
		if (put < 0)
			break;
		stored += put;
	}
#endif
	printf("attributes: %ld\n", stored);
}

int
main(int argc, char **argv)
{
	if (argc == 2)
		fill_queue(argv[1]);
	else
		store_attributes();
	return 0;
}
