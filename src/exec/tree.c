/* Finding and ending descendants. */
#include "exec/tree.h"

#include "base/clock.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool tree_scan_always;

/* Returns 1 if PID counts. */
static int
signal_child(pid_t pid, int signal, const struct tree_spare *spare)
{
	for (int i = 0; spare && i < spare->count; i++)
		if (spare->pids[i] == pid)
			return 0;
	if (signal)
		kill(pid, signal);
	return 1;
}

/* Returns how many, or -1 if the kernel has no such file. The main thread's id is the pid. */
static int
signal_listed(int signal, const struct tree_spare *spare)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	FILE *file = fopen(path, "re");
	if (!file)
		return -1;
	int count = 0, pid;
	while (fscanf(file, "%d", &pid) == 1)
		count += signal_child(pid, signal, spare);
	fclose(file);
	return count;
}

/* The parent in /proc/PID/stat: the second word after the name's closing parenthesis. */
static pid_t
parent_of(const char *pid)
{
	char path[64], text[512];
	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return -1;
	text[len] = '\0';
	char *name_end = strrchr(text, ')');
	int parent;
	return name_end && sscanf(name_end, ") %*c %d", &parent) == 1 ? parent : -1;
}

static int
signal_scanned(int signal, const struct tree_spare *spare)
{
	DIR *proc = opendir("/proc");
	if (!proc)
		return 0;
	int count = 0;
	struct dirent *entry;
	while ((entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
			parent_of(entry->d_name) != getpid())
			continue;
		count += signal_child((pid_t)strtol(entry->d_name, NULL, 10), signal, spare);
	}
	closedir(proc);
	return count;
}

int
tree_signal(int signal, const struct tree_spare *spare)
{
	int count = tree_scan_always ? -1 : signal_listed(signal, spare);
	return count >= 0 ? count : signal_scanned(signal, spare);
}

int
tree_count(void)
{
	return tree_signal(0, NULL);
}

bool
tree_kill_all(int ms)
{
	int64_t end = clock_now_ns() + ms * CLOCK_NS_PER_MS;
	while (clock_now_ns() < end) {
		tree_signal(SIGKILL, NULL);
		pid_t pid;
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0 && errno == ECHILD)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}
