/*
 * keys with COMMAND...    on the host: gives the command a session keyring of its own with a key in it, and its user a keyring
 *                         (as a login does), says the number of the first and executes it
 * keys tell               the number of its session keyring, and what came of looking for that key
 *
 * By number of the system call, as keyctl(2) has no function in the C library.
 */
#include <sys/syscall.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../answer.h"

enum { kGetKeyringId = 0, kJoin = 1, kSearch = 10, kSession = -3, kUser = -4 };

static const char kName[] = "buildjail-probe", kSecret[] = "of the caller";

static long
keyctl(long operation, long a, const void *b, const void *c, long d)
{
	return syscall(SYS_keyctl, operation, a, b, c, d);
}

static int
with(char **command)
{
	long user = keyctl(kGetKeyringId, kUser, (void *)1, NULL, 0);
	long session = syscall(SYS_keyctl, kJoin, NULL);
	long key = syscall(SYS_add_key, "user", kName, kSecret, sizeof(kSecret), kSession);

	if (user < 0 || session < 0 || key < 0) {
		tell_of("keyring", -1);
		return 1;
	}
	printf("caller: %ld\n", session);
	fflush(stdout);
	execvp(command[0], command);
	perror(command[0]);
	return 1;
}

static int
tell_keyring(void)
{
	long session = keyctl(kGetKeyringId, kSession, NULL, NULL, 0);

	if (session < 0) {
		tell_of("session", -1);
		return 0;
	}
	printf("session: %ld\n", session);
	tell_of("search", keyctl(kSearch, kSession, "user", kName, 0));
	tell_of("request", syscall(SYS_request_key, "user", kName, NULL, 0));
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "with") == 0)
		return with(argv + 2);
	return argc == 2 && strcmp(argv[1], "tell") == 0 ? tell_keyring() : 2;
}
