/* Limits on processes. */
#include "exec/limits.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The number in FOLDER/NAME; -1: none, or "max". */
static long
read_number(const char *folder, const char *name)
{
	char path[PATH_MAX];
	long number = -1;
	snprintf(path, sizeof(path), "%.4000s/%s", folder, name);
	FILE *file = fopen(path, "re");
	if (!file)
		return -1;
	if (fscanf(file, "%ld", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

/* Looks from FOLDER up to the cgroup file system's root, which ROOT bytes of it name; returns the
 * limit that is reached, -1: none is. */
static long
reached_in(char *folder, size_t root)
{
	for (;;) {
		long most = read_number(folder, "pids.max");
		if (most >= 0 && read_number(folder, "pids.current") >= most)
			return most;
		char *slash = strrchr(folder, '/');
		if (!slash || (size_t)(slash - folder) < root)
			return -1;
		*slash = '\0';
	}
}

/* A line of /proc/self/cgroup is "0::/path" (version 2) or "7:pids:/path". */
static long
reached_in_cgroup(void)
{
	char line[PATH_MAX], folder[PATH_MAX];
	long reached = -1;
	FILE *file = fopen("/proc/self/cgroup", "re");
	while (file && reached < 0 && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		const char *names = strchr(line, ':');
		const char *path = names ? strchr(names + 1, ':') : NULL;
		bool unified = names && names + 1 == path;
		if (!path || (!unified && !strstr(names, ":pids:")))
			continue;
		const char *root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
		snprintf(folder, sizeof(folder), "%s%.4000s", root, path + 1);
		reached = reached_in(folder, strlen(root));
	}
	if (file)
		fclose(file);
	return reached;
}

void
limits_on_processes(char *room, size_t size)
{
	struct rlimit limit;
	long most = reached_in_cgroup();
	if (most >= 0)
		snprintf(room, size, "no process can be made: its cgroup may have %ld (pids.max)",
			most);
	else if (geteuid() && getrlimit(RLIMIT_NPROC, &limit) == 0 &&
		 limit.rlim_cur != RLIM_INFINITY)
		snprintf(room, size, "no process can be made: this user may have %llu (ulimit -u)",
			(unsigned long long)limit.rlim_cur);
	else
		snprintf(room, size,
			"no process can be made: a limit of the system or no memory (ulimit -u, "
			"pids.max, kernel.pid_max)");
}
