/*
 * Run directories of runs that have no list to name them: mpbatch.JOB in a batch job, and there
 * mpbatch.JOB.2 and so on for its next runs; else mpbatch.1, mpbatch.2 and so on. All in the
 * directory where mpbatch was started.
 */
#ifndef RUN_UNNAMED_H
#define RUN_UNNAMED_H

#include <stdbool.h>
#include <stdint.h>

struct err;

struct unnamed {
	const char *job; /* fit for a file's name; NULL: none */
	uint64_t what;	 /* the tasks, as manifests have it; 0: cannot be told */
};

/*
 * An earlier run of the same tasks: *PATH, a new string; NULL: there is none. In a job that job's
 * own, whatever became of it, so that a job that is queued again finds it; else another's that is
 * not whole. Without a job any. What is not whole goes before what is, and the latest before
 * earlier ones. Whether somebody works on it is not looked at: the lock tells. -1 with ERR: one of
 * the job's own is damaged, so that nobody can tell.
 */
int unnamed_find(const struct unnamed *unnamed, char **path, struct err *err);

/* Makes a new one; a new string. NULL with ERR. If SHARED, one of the same tasks that somebody else
 * has made since unnamed_find() is answered instead: two that look at the same time find none. */
char *unnamed_make(const struct unnamed *unnamed, bool shared, struct err *err);

#endif
