// What both systems' native code calls and what can fail, one a line:
//
//   CALL(result, symbol, name, (parameters), arguments...)
//
// `symbol` is what the linker knows it by, `name` what our errors call it. CALL_ANYWAY is for what has its effect even
// where it fails. Variadic calls are written with the most that they take: on every ABI that Node and these systems
// have in common, integers travel alike either way, and what is not there is not looked at.
//
// test/faults/calls.test.ts finds what is missing here. No include guard: it is included for each thing made of it.
// clang-format off

CALL(int, chmod, "chmod", (const char* path, mode_t mode), path, mode)
CALL(int, chdir, "chdir", (const char* path), path)
CALL_ANYWAY(int, close, "close", (int fd), fd)
CALL(int, dup2, "dup2", (int from, int to), from, to)
CALL(int, execve, "execve", (const char* path, char* const* argv, char* const* environment), path, argv, environment)
CALL(int, fchmod, "fchmod", (int fd, mode_t mode), fd, mode)
CALL(int, fchown, "fchown", (int fd, uid_t uid, gid_t gid), fd, uid, gid)
CALL(int, flock, "flock", (int fd, int operation), fd, operation)
CALL(int, ioctl, "ioctl", (int fd, unsigned long request, void* argument), fd, request, argument)
CALL(int, kill, "kill", (pid_t pid, int signal), pid, signal)
CALL(int, mkdir, "mkdir", (const char* path, mode_t mode), path, mode)
CALL(int, pipe2, "pipe2", (int* fds, int flags), fds, flags)
CALL(ssize_t, read, "read", (int fd, void* buffer, size_t size), fd, buffer, size)
CALL(int, rmdir, "rmdir", (const char* path), path)
CALL(pid_t, setsid, "setsid", ())
CALL(int, symlink, "symlink", (const char* value, const char* path), value, path)
CALL(int, unlink, "unlink", (const char* path), path)
CALL(pid_t, wait4, "wait4", (pid_t pid, int* status, int options, struct rusage* usage), pid, status, options, usage)
CALL(pid_t, waitpid, "waitpid", (pid_t pid, int* status, int options), pid, status, options)
CALL(ssize_t, write, "write", (int fd, const void* buffer, size_t size), fd, buffer, size)

// vfork(2) comes back twice, which no wrapper could; its one caller stands for it (core/vfork_child.h).
CALL(pid_t, _ZN9buildjail11vfork_childEPFvPvES0_, "vfork", (void (*program)(void*), void* context), program, context)
