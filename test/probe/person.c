/*
 * person STREAMS COMMAND...    on the host: a person at a terminal who runs a command there
 *
 * STREAMS are the command's standard descriptors that are the terminal, as 012; the others are /dev/null. With b among
 * them the command is in the background. Lines on stdin say what the person does:
 *
 *   type HEX, size ROWS COLUMNS, kill SIGNAL, mode
 *
 * What the terminal shows goes to stdout. To stderr go answers: "mode ..." how the terminal is set, and at the command's end
 * "status N" or "signal N", and "mode ..." once more.
 */
#define _GNU_SOURCE
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int ours, theirs;

static void
tell_mode(void)
{
	struct termios mode;
	struct stat file;
	memset(&file, 0, sizeof(file));
	if (tcgetattr(theirs, &mode) != 0 || fstat(theirs, &file) != 0) {
		dprintf(2, "mode unknown\n");
		return;
	}
	dprintf(2, "mode %s %s %s file %o %u\n", mode.c_lflag & ICANON ? "lines" : "keys",
	    mode.c_lflag & ECHO ? "echo" : "silent", mode.c_oflag & OPOST ? "cooked" : "raw", (unsigned)file.st_mode & 07777,
	    (unsigned)file.st_uid);
}

static void
run(const char *streams, char **command)
{
	int null = open("/dev/null", O_RDWR);
	if (strchr(streams, 'b') != NULL)
		setpgid(0, 0);
	for (int i = 0; i < 3; i++)
		dup2(strchr(streams, '0' + i) != NULL ? theirs : null, i);
	for (int signal_number = 1; signal_number < 32; signal_number++)
		signal(signal_number, SIG_DFL);
	execvp(command[0], command);
	_exit(127);
}

/* In control of the terminal until the command is over: FreeBSD takes it away from everybody when who controls it ends. */
static int
lead(const char *streams, char **command, int told)
{
	int status;
	setsid();
	ioctl(theirs, TIOCSCTTY, 0);
	signal(SIGINT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* It waits for the terminal to have shown all, also where a shell's last job has that still (tcdrain(3)). */
	signal(SIGTTOU, SIG_IGN);
	pid_t child = fork();
	if (child == 0)
		run(streams, command);
	if (write(told, &child, sizeof(child)) != sizeof(child))
		return 1;
	close(told);
	while (waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status))
		dprintf(2, "stopped %d\n", WSTOPSIG(status));
	/* What it has shown is to be seen first. */
	tcdrain(theirs);
	dprintf(2, "%s %d\n", WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	tell_mode();
	return 0;
}

static void
act(char *line, pid_t command)
{
	unsigned rows, columns, number;
	char *hex = line + 5;
	if (strncmp(line, "type ", 5) == 0) {
		for (; sscanf(hex, "%2x", &number) == 1; hex += 2) {
			char key = (char)number;
			if (write(ours, &key, 1) != 1)
				return;
		}
	} else if (sscanf(line, "size %u %u", &rows, &columns) == 2) {
		struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
		ioctl(ours, TIOCSWINSZ, &size);
	} else if (sscanf(line, "kill %u", &number) == 1) {
		kill(command, (int)number);
	} else if (strcmp(line, "mode") == 0) {
		tell_mode();
	}
}

int
main(int argc, char **argv)
{
	int told[2];
	pid_t command;
	char buffer[4096];
	size_t held = 0;
	if (argc < 3)
		return 2;
	ours = posix_openpt(O_RDWR | O_NOCTTY);
	if (ours < 0 || grantpt(ours) != 0 || unlockpt(ours) != 0)
		return 1;
	theirs = open(ptsname(ours), O_RDWR | O_NOCTTY);
	if (theirs < 0 || pipe(told) != 0)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	pid_t leader = fork();
	if (leader == 0) {
		close(ours);
		close(told[0]);
		_exit(lead(argv[1], argv + 2, told[1]));
	}
	close(told[1]);
	if (read(told[0], &command, sizeof(command)) != sizeof(command))
		return 1;
	for (int is_typing = 1, is_over = 0; !is_over;) {
		struct pollfd polled[2] = {{.fd = ours, .events = POLLIN}, {.fd = is_typing ? 0 : -1, .events = POLLIN}};
		poll(polled, 2, 20);
		/* The leader's end first: what was shown before it is read below, without waiting. */
		is_over = waitpid(leader, NULL, WNOHANG) == leader;
		while (poll(polled, 1, 0) > 0 && (polled[0].revents & POLLIN) != 0) {
			char shown[4096];
			ssize_t got = read(ours, shown, sizeof(shown));
			if (got <= 0)
				break;
			if (write(1, shown, (size_t)got) != got)
				return 1;
		}
		if (!is_typing || polled[1].revents == 0)
			continue;
		ssize_t got = read(0, buffer + held, sizeof(buffer) - 1 - held);
		if (got <= 0) {
			is_typing = 0;
			continue;
		}
		held += (size_t)got;
		buffer[held] = 0;
		for (char *end; (end = strchr(buffer, '\n')) != NULL;) {
			*end = 0;
			act(buffer, command);
			held -= (size_t)(end + 1 - buffer);
			memmove(buffer, end + 1, held + 1);
		}
	}
	return 0;
}
