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
	uint64_t what;	 /* the tasks, as manifests have it */
};

/*
 * An earlier run of the same tasks; a new string, NULL: there is none. In a job that job's own,
 * whatever became of it, so that a job that is queued again finds it; else another's that is not
 * whole. Without a job any. What is not whole goes before what is, and the latest before earlier
 * ones. Whether somebody works on it is not looked at: the lock tells.
 */
char *unnamed_find(const struct unnamed *unnamed);

/* Makes a new one; a new string. NULL with ERR. */
char *unnamed_make(const struct unnamed *unnamed, struct err *err);

#endif
