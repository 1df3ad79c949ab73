/*
 * run.json: what was asked of a run directory, where, by which version: one object with the list's
 * identity and an array of sessions. Replaced atomically when a session begins.
 */
#ifndef RUN_MANIFEST_H
#define RUN_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

struct err;

struct manifest {
	int session;
	int argc;
	char *const *argv;
	const char *list; /* path as given; NULL: none */
	uint64_t tasks;	  /* 0: not known yet */
	uint64_t moved;	  /* that are done, and had other numbers when they were */
	int ranks;
	uint64_t what; /* the tasks: the same for runs of the same; 0: cannot be told */
};

/* Adds a session to RUN_DIR/run.json (version, time, host, user, directory, scheduler's job id, and
 * what MANIFEST says; of a list that is a file its absolute path, size, mtime). Written to a
 * temporary file, synced, renamed. */
int manifest_add(const char *run_dir, const struct manifest *manifest, struct err *err);

/* Of the last session. */
struct manifest_last {
	uint64_t what; /* 0 also of an older mpbatch */
	int64_t start_us;
};

/* -1 with ERR if run.json cannot be read, or has no session. */
int manifest_read(const char *run_dir, struct manifest_last *last, struct err *err);

/* The last session in which tasks that are done had other numbers than before; 0: none. */
int manifest_last_move(const char *run_dir);

#endif
