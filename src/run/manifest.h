/*
 * run.json: what was asked of a run directory, where, by which version: one object with the list's
 * identity and an array of sessions. Replaced atomically when a session begins.
 */
#ifndef RUN_MANIFEST_H
#define RUN_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct manifest {
	int session;
	int argc;
	char *const *argv;
	int nmore;
	char *const *more;	/* options of "mpbatch resume", which go before those of ARGV */
	char *const *variables; /* NVARIABLES options from the environment, "NAME=VALUE" */
	size_t nvariables;
	const char *output; /* the name of its mode */
	const char *list;   /* path as given; NULL: none */
	uint64_t tasks;	    /* 0: not known yet */
	uint64_t moved;	    /* that are done, and had other numbers when they were */
	int ranks;
	uint64_t what; /* the tasks: the same for runs of the same; 0: cannot be told */
};

/* Adds a session to RUN_DIR/run.json (version, time, host, user, directory, scheduler's job id, and
 * what MANIFEST says; of a list that is a file its absolute path, size, mtime). Written to a
 * temporary file, synced, renamed. */
int manifest_add(const char *run_dir, const struct manifest *manifest, struct err *err);

/* Of the last session. */
struct manifest_last {
	bool stored;   /* its outputs went to the store */
	uint64_t what; /* 0 also of an older mpbatch */
	int64_t start_us;
};

/* -1 with ERR if run.json cannot be read, or has no session. */
int manifest_read(const char *run_dir, struct manifest_last *last, struct err *err);

/* How the last session was called. */
struct manifest_call {
	char *directory;
	int argc;
	char **argv;
	size_t nvariables;
	char **variables;
};

/* -1 with ERR also where run.json does not have it, or not exactly: its strings are UTF-8, and what
 * was none is lost. Clear also after a failure. */
int manifest_read_call(const char *run_dir, struct manifest_call *call, struct err *err);
void manifest_call_clear(struct manifest_call *call);

/* The last session in which tasks that are done had other numbers than before; 0: none. */
int manifest_last_move(const char *run_dir);

#endif
