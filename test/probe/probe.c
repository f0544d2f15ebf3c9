/*
 * What a build could try, one attempt a call, for tests that run inside a session. Prints one line and exits 0; a
 * refused attempt prints the errno's name.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#else
#include <sys/procctl.h>
#endif

#include "answer.h"

static int
tell_ids(void)
{
	gid_t groups[64];
	int count = getgroups(64, groups);

	printf("%d %d %d %d groups", (int)getuid(), (int)geteuid(), (int)getgid(), (int)getegid());
	for (int i = 0; i < count; i++)
		printf(" %d", (int)groups[i]);
	printf("\n");
	return 0;
}

/* Every way back to root that setuid(2) and its kin know. */
static int
tell_regain(void)
{
	int regained = setuid(0) == 0 || seteuid(0) == 0 || setreuid(0, 0) == 0 || setgid(0) == 0 || setegid(0) == 0;

	printf("%s\n", regained || geteuid() == 0 ? "regained" : "refused");
	return 0;
}

static int
tell_descriptors(void)
{
	for (int fd = 0; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			printf("%d ", fd);
	printf("\n");
	return 0;
}

/* Whether set-uid bits and the like count for nothing from here on. */
static int
tell_new_privileges(void)
{
#ifdef __linux__
	int forbidden = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
#else
	int status = 0;
	int forbidden = procctl(P_PID, 0, PROC_NO_NEW_PRIVS_STATUS, &status) == 0 && status == PROC_NO_NEW_PRIVS_ENABLE;
#endif

	printf("%s\n", forbidden ? "forbidden" : "allowed");
	return 0;
}

static int
tell_ignored_signals(void)
{
	/* On FreeBSD NSIG is the end of the old ones only. */
#ifdef __FreeBSD__
	const int last = _SIG_MAXSIG;
#else
	const int last = NSIG - 1;
#endif
	for (int signal = 1; signal <= last; signal++) {
		struct sigaction action;
		if (sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
			printf("%d ", signal);
	}
	printf("\n");
	return 0;
}

static int
tell_login(void)
{
	const char *name = getlogin();

	printf("%s\n", name == NULL ? "nobody" : name);
	return 0;
}

/* Connects and is the first to close, so that the connection stays in TIME_WAIT on this side (tcp(4)). */
static int
tell_connection(int port)
{
	struct sockaddr_in peer;
	char byte;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	memset(&peer, 0, sizeof(peer));
	/* In network order by hand: small compilers lack the builtins behind htons(3). */
	const unsigned char address[] = { 127, 0, 0, 1 }, port_bytes[] = { (unsigned char)(port >> 8), (unsigned char)port };
	peer.sin_family = AF_INET;
	memcpy(&peer.sin_port, port_bytes, sizeof(port_bytes));
	memcpy(&peer.sin_addr, address, sizeof(address));
	int result = connect(fd, (struct sockaddr *)&peer, sizeof(peer));
	if (result == 0) {
		shutdown(fd, SHUT_WR);
		while (read(fd, &byte, 1) > 0)
			;
	}
	return tell(result);
}

/* A daemon as it should be: detached twice, deaf to SIGTERM, holding the output's descriptors no longer than it must. */
static int
detach(const char *file)
{
	if (fork() != 0)
		return 0;
	setsid();
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (fork() != 0)
		_exit(0);
	int beats = open(file, O_WRONLY | O_CREAT | O_APPEND, 0644);
	for (;;) {
		if (write(beats, ".", 1) != 1)
			_exit(1);
		usleep(20000);
	}
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "inet") == 0)
		return tell(socket(AF_INET, SOCK_STREAM, 0));
	if (strcmp(what, "inet6") == 0)
		return tell(socket(AF_INET6, SOCK_STREAM, 0));
	if (strcmp(what, "unix") == 0)
		return tell(socket(AF_UNIX, SOCK_STREAM, 0));
	if (strcmp(what, "ids") == 0)
		return tell_ids();
	if (strcmp(what, "regain") == 0)
		return tell_regain();
	if (strcmp(what, "descriptors") == 0)
		return tell_descriptors();
	if (strcmp(what, "new-privileges") == 0)
		return tell_new_privileges();
	if (strcmp(what, "signals") == 0)
		return tell_ignored_signals();
	if (strcmp(what, "login") == 0)
		return tell_login();
	if (strcmp(what, "kill") == 0 && argc > 2)
		return tell(kill((pid_t)atoi(argv[2]), 0));
	if (strcmp(what, "connect") == 0 && argc > 2)
		return tell_connection(atoi(argv[2]));
	if (strcmp(what, "detach") == 0 && argc > 2)
		return detach(argv[2]);
	fprintf(stderr, "usage: probe inet | inet6 | unix | ids | regain | descriptors | new-privileges | signals | login | kill PID | connect PORT | detach FILE\n");
	return 2;
}
