/* revoker PATH: takes the device away from everybody who has it open, if it may. */
#include <unistd.h>

#include "answer.h"

int
main(int argc, char **argv)
{
#ifdef __FreeBSD__
	return argc == 2 ? tell(revoke(argv[1])) : 2;
#else
	(void)argv;
	return argc == 2 ? 0 : 2;
#endif
}
