/*
 * Starting a process with vfork semantics (clone(2) with CLONE_VM and CLONE_VFORK): no page table
 * is copied, and a failing step reports itself through the shared memory.
 */
#ifndef EXEC_SPAWN_H
#define EXEC_SPAWN_H

#include "tasks/result.h"

#include <stdbool.h>
#include <sys/types.h>

struct spawn {
	const char *file; /* execve(2)'s arguments */
	char *const *argv;
	char *const *environment;
	const char *cwd;   /* "": stay */
	const char *input; /* "": standard input as it is, /dev/null. What is neither file nor
			      directory, a shell opens first, which then becomes the program */
	bool merge;	   /* standard error is standard output */
};

struct spawn_failure {
	enum result_step step;
	int error; /* errno */
};

/*
 * Starts it in a process group of its own, to be killed when the calling thread ends, with no
 * signal blocked and the caller's descriptors 0, 1 and 2. All signals must be blocked in the caller
 * and none ignored (caught ones are reset by execve). Returns its pid, or -1 with FAILURE; then
 * nothing is left to reap.
 */
pid_t spawn_start(const struct spawn *spawn, struct spawn_failure *failure);

#endif
