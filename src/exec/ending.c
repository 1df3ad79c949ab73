/* TERM to a tree, once for each process of it. */
#include "exec/ending.h"

#include <signal.h>
#include <unistd.h>

static void
tell(struct ending *ending, const struct tree_process *process)
{
	tree_add(&ending->told, process);
	if (process->group == ending->group)
		return;
	kill(process->pid, SIGTERM);
	kill(process->pid, SIGCONT); /* a stopped process takes no TERM */
}

/* The kernel signals a group as one step, so no fork gets away, which a walk over the tree cannot
 * promise: hence the group first. */
void
ending_begin(struct ending *ending, const struct tree *kept, pid_t main)
{
	struct tree tree = {0};
	ending->group = main;
	if (main)
		kill(-main, SIGTERM);
	tree_gather(&tree, kept);
	for (int i = 0; i < tree.count; i++)
		tell(ending, &tree.processes[i]);
	if (main)
		kill(-main, SIGCONT);
	tree_clear(&tree);
}

/* Among those told from number FIRST on. */
static bool
was_told(const struct ending *ending, int first, pid_t pid)
{
	for (int i = first; i < ending->told.count; i++)
		if (ending->told.processes[i].pid == pid)
			return true;
	return false;
}

int
ending_go_on(struct ending *ending, const struct tree *kept)
{
	struct tree tree = {0};
	tree_gather(&tree, kept);
	int first = ending->told.count;
	for (int i = 0; i < tree.count; i++) {
		const struct tree_process *process = &tree.processes[i];
		bool orphan = process->parent == getpid() && process->group != ending->group;
		if (!tree_has(&ending->told, process) &&
			(orphan || was_told(ending, first, process->parent)))
			tell(ending, process);
	}
	int left = tree.count;
	tree_clear(&tree);
	return left;
}

void
ending_clear(struct ending *ending)
{
	tree_clear(&ending->told);
	ending->group = 0;
}
