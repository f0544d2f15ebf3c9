/*
 * without_filters COMMAND...    on a Linux host: executes the command, for which seccomp(2) is as in a kernel that was built
 *                               without it
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* struct sock_filter and sock_fprog (seccomp(2)); the kernel's own headers may be missing. */
struct instruction {
	uint16_t code;
	uint8_t if_true, if_false;
	uint32_t value;
};

int
main(int argc, char **argv)
{
	static const struct instruction program[] = {
		{ 0x20, 0, 0, 0 },
		{ 0x15, 0, 1, SYS_seccomp },
		{ 0x06, 0, 0, 0x00050000 | ENOSYS },
		{ 0x06, 0, 0, 0x7fff0000 },
	};
	const struct {
		uint16_t length;
		const struct instruction *instructions;
	} filter = { 4, program };

	if (argc < 2)
		return 2;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, 2, &filter) != 0) {
		perror("prctl");
		return 1;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 1;
}
