/*
 * The run directory of a task list: LIST.mpbatch beside it, or what --run-dir names. It is never
 * overwritten silently: one that holds an earlier run is refused, or with --restart moved aside to
 * DIR.old (one generation).
 */
#ifndef RUN_RUNDIR_H
#define RUN_RUNDIR_H

#include <stdbool.h>

struct err;

/* The directory for a list, as a new string the caller frees; NULL if it keeps none: standard input
 * or a pipe, and no RUN_DIR. RUN_DIR NULL: not given. */
char *rundir_path(const char *list, const char *run_dir);

/* Makes the directory, or takes one that is empty. Returns 0, or -1 with ERR, which says what to
 * do: name --restart where an earlier run is there, --run-dir where it cannot be written. An
 * earlier run is not changed on failure. */
int rundir_create(const char *path, bool restart, struct err *err);

#endif
