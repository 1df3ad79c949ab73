/*
 * How the tree of an attempt is asked to end: each process gets TERM once, because a handler may
 * count, or may take the second one for an order to hurry.
 */
#ifndef EXEC_ENDING_H
#define EXEC_ENDING_H

#include "exec/tree.h"

#include <stdbool.h>
#include <sys/types.h>

/* Zero-initialised is an ending that has not begun; ending_clear() frees. */
struct ending {
	struct tree told;
	pid_t group; /* had TERM as a whole; 0: none */
};

/* TERM to every descendant but KEPT (exec/tree.h). MAIN, unreaped, leads a process group; 0: it is
 * gone. */
void ending_begin(struct ending *ending, const struct tree *kept, pid_t main);

/*
 * TERM to those whom it did not reach, and who have become our children since, as their parent has
 * died, with what descends from them. A process that is made by one that has had its TERM, and
 * lives on, is the work of a handler, as the cp of a shell's trap: it gets none. Returns how many
 * processes there are but KEPT.
 */
int ending_go_on(struct ending *ending, const struct tree *kept);

void ending_clear(struct ending *ending);

#endif
