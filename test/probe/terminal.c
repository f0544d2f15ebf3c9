/*
 * terminal of COMMAND...    on the host: gives the command a terminal of its own as stdin, with the command in control of
 *                           it, and says afterwards how many characters were typed into it
 * terminal type             inside: types into the terminal that is stdin
 * terminal change           inside: changes the terminal that is stdin, and what file it is, in all ways, and leaves it so
 * terminal hold             makes a terminal, says its name, and has it until stdin is at its end
 * terminal others NAME...   opens those, and all that can be there, and says which are opened
 * terminal read             inside: reads from the terminal that is stdout, and changes it
 */
#define _GNU_SOURCE /* cfmakeraw(3) */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "answer.h"

static int
type(void)
{
	char character = '!';

	tell_of("type", ioctl(0, TIOCSTI, &character));
	/* By what makes it ours. */
	tell_of("control", ioctl(0, TIOCSCTTY, 0));
	tell_of("take control", ioctl(0, TIOCSCTTY, 1));
	tell_of("open", open("/dev/tty", O_RDWR));
	tell_of("type again", ioctl(0, TIOCSTI, &character));
	return 0;
}

static void
change(int fd)
{
	struct termios mode;

	tell_of("look", tcgetattr(fd, &mode));
	mode.c_lflag &= ~(ECHO | ICANON | ISIG);
	mode.c_oflag &= ~OPOST;
	tell_of("silence", tcsetattr(fd, TCSANOW, &mode));
	tell_of("mode", fchmod(fd, 0666));
	tell_of("owner", fchown(fd, getuid(), getgid()));
	tell_of("lock", ioctl(fd, TIOCEXCL, 0));
}

static int
read_it(void)
{
	char character;

	fcntl(1, F_SETFL, O_NONBLOCK);
	tell_of("read", read(1, &character, 1));
	tell_of("open", open("/dev/tty", O_RDWR));
	fflush(stdout);
	tcdrain(1);
	change(1);
	return 0;
}

/* In control of it until the command is over: FreeBSD takes a terminal away from everybody when who controls it ends. */
static int
lead(int theirs, char **command)
{
	int waiting = -1, status;

	setsid();
	ioctl(theirs, TIOCSCTTY, 0);
	if (fork() == 0) {
		dup2(theirs, 0);
		execvp(command[0], command);
		perror(command[0]);
		_exit(1);
	}
	wait(&status);
	ioctl(theirs, FIONREAD, &waiting);
	printf("typed: %d\n", waiting);
	fflush(stdout);
	return status == 0 ? 0 : 1;
}

static int
offer_terminal(char **command)
{
	int status;
	struct termios raw;
	int ours = posix_openpt(O_RDWR | O_NOCTTY);

	if (ours < 0 || grantpt(ours) != 0 || unlockpt(ours) != 0)
		return tell(-1);
	int theirs = open(ptsname(ours), O_RDWR | O_NOCTTY);
	if (theirs < 0 || tcgetattr(theirs, &raw) != 0)
		return tell(-1);
	/* What is typed counts at once, without an end of line. */
	cfmakeraw(&raw);
	tcsetattr(theirs, TCSANOW, &raw);
	if (fork() == 0)
		_exit(lead(theirs, command));
	wait(&status);
	return status == 0 ? 0 : 1;
}

static int
hold(void)
{
	char rest[64];
	int ours = posix_openpt(O_RDWR | O_NOCTTY);

	if (ours < 0 || grantpt(ours) != 0 || unlockpt(ours) != 0)
		return tell(-1);
	printf("held: %s\n", ptsname(ours));
	fflush(stdout);
	while (read(0, rest, sizeof rest) > 0)
		;
	return 0;
}

static int
opened(const char *name)
{
	int fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return 0;
	printf("%s: opened\n", name);
	close(fd);
	return 1;
}

static int
others(char **names)
{
	char name[32];
	int count = 0;

	for (; *names != NULL; names++)
		count += opened(*names);
	for (int number = 0; number < 256; number++) {
		snprintf(name, sizeof name, "/dev/pts/%d", number);
		count += opened(name);
	}
	printf("count: %d\n", count);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "hold") == 0)
		return hold();
	if (argc >= 2 && strcmp(argv[1], "others") == 0)
		return others(argv + 2);
	if (argc > 2 && strcmp(argv[1], "of") == 0)
		return offer_terminal(argv + 2);
	if (argc == 2 && strcmp(argv[1], "type") == 0)
		return type();
	if (argc == 2 && strcmp(argv[1], "change") == 0) {
		change(0);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "read") == 0)
		return read_it();
	return 2;
}
