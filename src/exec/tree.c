/* Finding and ending descendants. */
#include "exec/tree.h"

#include "base/clock.h"
#include "base/log.h"

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

/* The kernel's list of a process's children may leave some out while others end (proc(5)): who was
 * not there the first time is looked for again, but not for ever. */
enum { PASSES = 8 };

enum { PF_EXITING = 4 }; /* of the flags in /proc/PID/stat, from the kernel's sched.h */

bool tree_scan_always;

/* --- direct children --- */

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

/* Reads /proc/PID/stat: its words count from the closing parenthesis of the name. */
static bool
read_stat(pid_t pid, struct tree_process *process)
{
	char path[64], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	const char *name_end = strrchr(text, ')');
	unsigned flags;
	unsigned long long born;
	*process = (struct tree_process){.pid = pid};
	if (!name_end ||
		sscanf(name_end,
			") %*c %d %d %*d %*d %*d %u %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			"%*s %llu",
			&process->parent, &process->group, &flags, &born) != 4)
		return false;
	process->exiting = flags & PF_EXITING;
	process->born = born;
	return true;
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
		struct tree_process process;
		if (!isdigit((unsigned char)entry->d_name[0]) ||
			!read_stat((pid_t)strtol(entry->d_name, NULL, 10), &process) ||
			process.parent != getpid())
			continue;
		count += signal_child(process.pid, signal, spare);
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

/* --- whole trees --- */

void
tree_add(struct tree *tree, const struct tree_process *process)
{
	if (tree->count == tree->room) {
		tree->room = tree->room ? 2 * tree->room : 16;
		tree->processes =
			xrealloc(tree->processes, (size_t)tree->room * sizeof(*tree->processes));
	}
	tree->processes[tree->count++] = *process;
}

bool
tree_has(const struct tree *tree, const struct tree_process *process)
{
	for (int i = 0; i < tree->count; i++)
		if (tree->processes[i].pid == process->pid &&
			tree->processes[i].born == process->born)
			return true;
	return false;
}

void
tree_clear(struct tree *tree)
{
	free(tree->processes);
	*tree = (struct tree){0};
}

static bool
is_kept(const struct tree *kept, const struct tree_process *process)
{
	for (int i = 0; kept && i < kept->count; i++)
		if (kept->processes[i].group == process->group && process->group != getpid())
			return true;
	return kept && tree_has(kept, process);
}

static void
add_unless_kept(struct tree *tree, const struct tree *kept, const struct tree_process *process)
{
	if (!is_kept(kept, process) && !tree_has(tree, process))
		tree_add(tree, process);
}

/* Adds the children that one thread of PARENT has made. Returns -1 if there is no such list. */
static int
add_listed_of(struct tree *tree, const struct tree *kept, pid_t parent, const char *thread)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task/%.20s/children", (int)parent, thread);
	FILE *file = fopen(path, "re");
	if (!file)
		return -1;
	int pid;
	struct tree_process child;
	while (fscanf(file, "%d", &pid) == 1)
		if (read_stat(pid, &child) && (child.parent == parent || child.parent == getpid()))
			add_unless_kept(tree, kept, &child);
	fclose(file);
	return 0;
}

static void
add_listed(struct tree *tree, const struct tree *kept, pid_t parent)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)parent);
	DIR *threads = opendir(path);
	struct dirent *entry;
	while (threads && (entry = readdir(threads)))
		if (isdigit((unsigned char)entry->d_name[0]))
			add_listed_of(tree, kept, parent, entry->d_name);
	if (threads)
		closedir(threads);
}

static void
scan_all(struct tree *all)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	struct tree_process process;
	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
			read_stat((pid_t)strtol(entry->d_name, NULL, 10), &process))
			tree_add(all, &process);
	if (proc)
		closedir(proc);
}

static void
add_scanned(struct tree *tree, const struct tree *kept, pid_t parent, const struct tree *all)
{
	for (int i = 0; i < all->count; i++)
		if (all->processes[i].parent == parent)
			add_unless_kept(tree, kept, &all->processes[i]);
}

/* One look, generation by generation. */
static void
look(struct tree *tree, const struct tree *kept)
{
	char self[16], path[64];
	snprintf(self, sizeof(self), "%d", (int)getpid());
	snprintf(path, sizeof(path), "/proc/self/task/%s/children", self);
	bool listed = !tree_scan_always && access(path, R_OK) == 0;
	struct tree all = {0};
	if (!listed)
		scan_all(&all);
	tree->count = 0;
	for (int i = -1; i < tree->count; i++) {
		pid_t parent = i < 0 ? getpid() : tree->processes[i].pid;
		if (listed)
			add_listed(tree, kept, parent);
		else
			add_scanned(tree, kept, parent, &all);
	}
	tree_clear(&all);
}

static bool
all_in(const struct tree *some, const struct tree *tree)
{
	for (int i = 0; i < some->count; i++)
		if (!tree_has(tree, &some->processes[i]))
			return false;
	return true;
}

void
tree_gather(struct tree *tree, const struct tree *kept)
{
	struct tree before = {0};
	look(tree, kept);
	for (int i = 1; i < PASSES && !all_in(tree, &before); i++) {
		struct tree last = before;
		before = *tree;
		*tree = last;
		look(tree, kept);
	}
	tree_clear(&before);
}

int
tree_kill(const struct tree *kept, bool *exiting)
{
	struct tree tree = {0};
	look(&tree, kept);
	if (!tree.count)
		look(&tree, kept);
	*exiting = true;
	for (int i = 0; i < tree.count; i++) {
		kill(tree.processes[i].pid, SIGKILL);
		*exiting &= tree.processes[i].exiting;
	}
	int count = tree.count;
	tree_clear(&tree);
	return count;
}

bool
tree_kill_all(int ms, const struct tree *kept)
{
	int64_t end = clock_now_ns() + ms * CLOCK_NS_PER_MS;
	bool exiting;
	while (clock_now_ns() < end) {
		int left = tree_kill(kept, &exiting);
		pid_t pid;
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if ((pid < 0 && errno == ECHILD) || (!left && kept && kept->count))
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}
