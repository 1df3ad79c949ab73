/* The executor: the process that serves one slot, running one task at a time. */
#ifndef EXEC_EXECUTOR_H
#define EXEC_EXECUTOR_H

#include <stdint.h>

/* Shared with the keeper, which reads it when the executor has died. */
struct executor_progress {
	volatile uint64_t started; /* seq of the last task that was about to be started */
} __attribute__((aligned(64)));	   /* a cache line of its own */

/*
 * Serves the socket until FRAME_QUIT or until it closes; then everything of the task that may be
 * running is killed. Called in a fresh process whose descriptors are /dev/null (0, 1, 2) and
 * SOCKET, with all signals blocked. VARIABLES is what tasks inherit. Returns the exit status.
 */
int executor_main(int socket, char **variables, struct executor_progress *progress);

#endif
