/*
 * The run directory of a task list: LIST.mpbatch beside it, or what --run-dir names. An earlier run
 * in it is never overwritten: one that was wholly successful is moved aside to DIR.old (one
 * generation), any other one is refused, unless it is to be resumed or begun anew.
 */
#ifndef RUN_RUNDIR_H
#define RUN_RUNDIR_H

#include <stdbool.h>

struct err;
struct lock;

enum rundir_how {
	RUNDIR_NEW,
	RUNDIR_RESTART, /* an earlier run is moved aside, however it ended */
	RUNDIR_RESUME,	/* it is kept, and gets another session */
};

/* The directory for a list, as a new string the caller frees; NULL if it keeps none: no list,
 * standard input or a pipe, and no RUN_DIR. RUN_DIR NULL: not given. */
char *rundir_path(const char *list, const char *run_dir);

struct rundir_options {
	const char *path;
	bool named; /* by the user: then it may be another's, which SAY is told */
	enum rundir_how how;
	void (*say)(const char *text); /* lines for the user; also WAITING of lock_take() */
};

/* Makes the directory where there is none, and takes its lock. NULL with ERR, which says what to
 * do: name --resume and --restart where an earlier run is there, and how far it came; --run-dir
 * where nothing can be written, or where what was found is not ours. Nothing is changed then. */
struct lock *rundir_open(const struct rundir_options *options, struct err *err);

/* False with WHY if PATH, which was found by its default name, may be somebody else's: its owner is
 * another user, or it is a symbolic link. True also where there is nothing. */
bool rundir_is_ours(const char *path, struct err *why);

/* Removes what a run that never began has left: a directory without a journal. */
void rundir_discard(const char *path);

/* True if the run in PATH has come to its end, and every task has succeeded. */
bool rundir_is_whole(const char *path);

/* What to say, with errno, where it cannot be made: a format for its path. */
#define RUNDIR_CANNOT_MAKE                                                                         \
	"cannot make the run directory %s (--run-dir names another place, --no-run-dir keeps "     \
	"none)"

/* True if PATH is a directory with a journal in it. */
bool rundir_is(const char *path);

#endif
