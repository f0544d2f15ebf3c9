/*
 * Pid 1 of a session. Alone in its file and without a C library, so that it starts at once and needs nothing of the root
 * it lives in.
 *
 * Descriptor 0 is a socket whose other end the controller has. A byte asks for the end of every other process; it is sent
 * back when that was done. When the controller closes its end, or dies, this ends too, and with it the pid namespace and
 * all that is in it (pid_namespaces(7)). Orphans need no care: SIGCHLD is ignored since before this was executed, so the
 * kernel reaps them (wait(2), ECHILD).
 */

#include <sys/syscall.h>

enum { kControl = 0, kEveryone = -1, kSigkill = 9, kSetName = 15 /* PR_SET_NAME */, kInterrupted = -4 /* EINTR */ };

#if defined(__x86_64__)
static long system_call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
static long system_call(long number, long a, long b, long c) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
}
#elif defined(__riscv) && __riscv_xlen == 64
static long system_call(long number, long a, long b, long c) {
  register long a7 __asm__("a7") = number;
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
  return a0;
}
#else
#error "buildjail's init has no system call for this architecture yet: add it here"
#endif

void _start(void);

void _start(void) {
  char command;
  system_call(__NR_prctl, kSetName, (long)"buildjail-init", 0);
  for (;;) {
    const long got = system_call(__NR_read, kControl, (long)&command, 1);
    if (got == kInterrupted) continue;
    if (got <= 0) break;
    /* Everybody but pid 1, at once: whoever is being forked meanwhile is not missed (kill(2)). */
    system_call(__NR_kill, kEveryone, kSigkill, 0);
    system_call(__NR_write, kControl, (long)&command, 1);
  }
  for (;;) system_call(__NR_exit_group, 0, 0, 0);
}
