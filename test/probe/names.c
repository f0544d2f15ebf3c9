/*
 * What is in a network of names, and what is outside of it, for tests that have no other program for both. Prints one line an attempt.
 *
 * What begins with 4 or 6 takes addresses of that family only:
 * look NAME...                   the address of each
 * talk NAME PORT COUNT           sends so many bytes, ends its direction, and says what it got until the other side ended its own
 * hold NAME PORT COUNT           so many connections, of which each has carried a byte both ways; stays until its stdin ends
 * bind ADDRESS PORT              TCP and UDP there: as it is, and with what lets several have one port
 * beside PORT                    listens at that port of all addresses, says so, and stays until its stdin ends
 * serve PORT...                  listens at each, on all addresses: count at 80, echo at 81, no read ever at 82, hello at any other
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <netdb.h>
#include <netinet/in.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "answer.h"

static const char *
word_of(int err)
{
	switch (err) {
	case ECONNRESET: return "ECONNRESET";
	case EADDRINUSE: return "EADDRINUSE";
	case EADDRNOTAVAIL: return "EADDRNOTAVAIL";
	default: return name_of(err);
	}
}

static int family = AF_UNSPEC;

static struct addrinfo *
addresses_of(const char *name, const char *port, int flags)
{
	struct addrinfo hints, *found = NULL;

	memset(&hints, 0, sizeof(hints));
	hints.ai_family = family;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = flags;
	return getaddrinfo(name, port, &hints, &found) == 0 ? found : NULL;
}

static void
look(const char *name)
{
	char text[64];
	struct addrinfo *found = addresses_of(name, NULL, 0);

	if (found == NULL || getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
		strcpy(text, "none");
	printf("%s: %s\n", name, text);
}

/* -1, with errno; 0 in it: there is no such name. */
static int
connected_to(const char *name, const char *port)
{
	struct addrinfo *found = addresses_of(name, port, 0);
	int fd;

	errno = 0;
	if (found == NULL)
		return -1;
	fd = socket(found->ai_family, SOCK_STREAM, 0);
	return fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0 ? fd : -1;
}

static int
sent_all(int fd, long count)
{
	static char bytes[65536];

	while (count > 0) {
		ssize_t sent = write(fd, bytes, count < (long)sizeof(bytes) ? (size_t)count : sizeof(bytes));
		if (sent < 0)
			return -1;
		count -= sent;
	}
	return 0;
}

/* A process sends while another reads, as an echo of much needs it. */
static void
talk(const char *name, const char *port, long count)
{
	char got[65536], first[64] = "";
	long all = 0;
	ssize_t some;
	int fd = connected_to(name, port);

	printf("%s %s: ", name, port);
	if (fd < 0) {
		printf("%s\n", errno == 0 ? "none" : word_of(errno));
		return;
	}
	fflush(stdout);
	if (fork() == 0) {
		if (sent_all(fd, count) == 0)
			shutdown(fd, SHUT_WR);
		_exit(0);
	}
	while ((some = read(fd, got, sizeof(got))) > 0) {
		for (long i = 0; i < some && all + i < (long)sizeof(first) - 1; i++)
			first[all + i] = got[i];
		all += some;
	}
	wait(NULL);
	if (some < 0)
		printf("%s\n", word_of(errno));
	else if (all < (long)sizeof(first))
		printf("%s\n", first);
	else
		printf("%ld bytes\n", all);
}

static void
until_end_of_input(const char *said)
{
	char byte;

	printf("%s\n", said);
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
}

static int
hold(const char *name, const char *port, int count)
{
	char byte = 'x';

	for (int i = 0; i < count; i++) {
		int fd = connected_to(name, port);
		if (fd < 0 || write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
			return 1;
	}
	until_end_of_input("ready");
	return 0;
}

static void
tell_bind(const char *how, struct addrinfo *at, int type, int option)
{
	const int on = 1;
	int fd = socket(at->ai_family, type, 0);

	if (option != 0)
		setsockopt(fd, SOL_SOCKET, option, &on, sizeof(on));
	printf("%s: %s\n", how, bind(fd, at->ai_addr, at->ai_addrlen) == 0 ? "ok" : word_of(errno));
	close(fd);
}

static int
listening_at(struct addrinfo *at)
{
	const int on = 1;
	int fd = socket(at->ai_family, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	return bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, 128) == 0 ? fd : -1;
}

static void
answer(int fd, int port)
{
	char bytes[65536];
	long all = 0;
	ssize_t some;

	while (port == 82)
		pause();
	while ((port == 80 || port == 81) && (some = read(fd, bytes, sizeof(bytes))) > 0) {
		all += some;
		for (ssize_t at = 0, sent; port == 81 && at < some; at += sent)
			if ((sent = write(fd, bytes + at, (size_t)(some - at))) <= 0)
				return;
	}
	if (port == 80)
		snprintf(bytes, sizeof(bytes), "%ld", all);
	else
		strcpy(bytes, "hello");
	if (port != 81 && write(fd, bytes, strlen(bytes)) < 0)
		return;
	shutdown(fd, SHUT_WR);
	/* A close with unread bytes is a reset. */
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

static int
serve(char **ports)
{
	signal(SIGCHLD, SIG_IGN);
	for (; *ports != NULL; ports++) {
		for (struct addrinfo *at = addresses_of(NULL, *ports, AI_PASSIVE); at != NULL; at = at->ai_next) {
			int listener = listening_at(at);
			if (listener < 0)
				return 1;
			if (fork() != 0)
				continue;
			for (;;) {
				int fd = accept(listener, NULL, NULL);
				if (fd < 0)
					continue;
				if (fork() == 0) {
					answer(fd, atoi(*ports));
					_exit(0);
				}
				close(fd);
			}
		}
	}
	until_end_of_input("ready");
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "4") == 0 || strcmp(what, "6") == 0) {
		family = what[0] == '4' ? AF_INET : AF_INET6;
		argv++;
		argc--;
		what = argc > 1 ? argv[1] : "";
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (strcmp(what, "look") == 0) {
		for (int i = 2; i < argc; i++)
			look(argv[i]);
		return 0;
	}
	if (strcmp(what, "serve") == 0)
		return serve(argv + 2);
	if (strcmp(what, "talk") == 0 && argc > 4) {
		for (int i = 2; i + 2 < argc; i += 3)
			talk(argv[i], argv[i + 1], atol(argv[i + 2]));
		return 0;
	}
	if (strcmp(what, "hold") == 0 && argc > 4)
		return hold(argv[2], argv[3], atoi(argv[4]));
	if (strcmp(what, "bind") == 0 && argc > 3) {
		struct addrinfo *at = addresses_of(argv[2], argv[3], AI_NUMERICHOST);
		tell_bind("plain", at, SOCK_STREAM, 0);
		tell_bind("address", at, SOCK_STREAM, SO_REUSEADDR);
		tell_bind("port", at, SOCK_STREAM, SO_REUSEPORT);
		tell_bind("datagrams", at, SOCK_DGRAM, SO_REUSEPORT);
		return 0;
	}
	if (strcmp(what, "beside") == 0 && argc > 2) {
		struct addrinfo *at = addresses_of("0.0.0.0", argv[2], AI_NUMERICHOST);
		if (listening_at(at) < 0)
			return 1;
		until_end_of_input("ready");
		return 0;
	}
	return 2;
}
