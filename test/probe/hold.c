/*
 * hold DIRECTORY COMMAND...: executes a host program with more open than it knows of: a directory, a locked file and a
 * listening socket, all without close-on-exec and at numbers that no runtime looks for at its start.
 */
#include <sys/types.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { kDirectory = 120, kLock = 121, kSocket = 122 };

int
main(int argc, char **argv)
{
	struct sockaddr_un address;

	if (argc < 3 || chdir(argv[1]) != 0)
		return 2;
	int lock = open("lock", O_RDWR | O_CREAT, 0600);
	int listening = socket(AF_UNIX, SOCK_STREAM, 0);
	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	strcpy(address.sun_path, "socket");
	if (dup2(open(".", O_RDONLY | O_DIRECTORY), kDirectory) < 0 || flock(lock, LOCK_EX) != 0 || dup2(lock, kLock) < 0 ||
	    bind(listening, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listening, 1) != 0 ||
	    dup2(listening, kSocket) < 0) {
		perror("hold");
		return 1;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
