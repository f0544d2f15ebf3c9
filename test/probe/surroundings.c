/*
 * surroundings PROGRAM [ARGUMENT...]    executes it with all signals ignored that are beyond the old ones, and, on
 *                                       FreeBSD, in a login session of somebody's
 */
#include <sys/types.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef __FreeBSD__
#define LAST_SIGNAL _SIG_MAXSIG
#else
#define LAST_SIGNAL SIGRTMAX
#endif

int
main(int argc, char **argv)
{
	struct sigaction ignore;

	if (argc < 2)
		return 2;
	memset(&ignore, 0, sizeof(ignore));
	ignore.sa_handler = SIG_IGN;
	for (int signal = 33; signal <= LAST_SIGNAL; signal++)
		sigaction(signal, &ignore, NULL);
#ifdef __FreeBSD__
	if (setsid() < 0 || setlogin("somebody") != 0) {
		perror("surroundings");
		return 1;
	}
#endif
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 1;
}
