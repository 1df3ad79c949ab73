/* What an executor is told once: its slot, and how tasks are to be run. */
#ifndef EXEC_SETUP_H
#define EXEC_SETUP_H

#include "base/cpus.h"
#include "tasks/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct unpack;

enum stray_policy {
	STRAY_KILL, /* what is left of a task's tree when it ends: TERM, 100 ms, KILL */
	STRAY_KEEP, /* leave it alone */
};

struct setup {
	int rank;
	int slot;	      /* host-wide, from 1 */
	int threads;	      /* OMP_NUM_THREADS and its kin, where unset */
	unsigned depth;	      /* MPBATCH_DEPTH; 0: none */
	uint64_t ntasks;      /* MPBATCH_NTASKS; 0: not known */
	uint64_t spool_bytes; /* per stream of a task, beyond what is held in memory */
	int session;	      /* in the names of the store's files */
	enum output_mode output;
	bool remove_empty;     /* OUTPUT_FILES: files that stayed empty are removed */
	bool keep_failed_only; /* OUTPUT_FILES: so are those of a task that succeeded */
	enum stray_policy stray;
	struct cpus cpus;	 /* empty: do not bind */
	char *tmpdir;		 /* where outputs are spooled */
	char *run_dir;		 /* absolute; OUTPUT_STORE: where the store is. "" or NULL: none */
	char *keep;		 /* globs of launcher variables to keep, separated by newlines */
	const char *environment; /* rank 0's: NAME=value strings, each ended by NUL */
	size_t environment_len;	 /* bytes of them in all; 0: the executor's own environment */
};

void setup_pack(struct buf *buf, const struct setup *setup);

/* False if bad. TMPDIR, RUN_DIR and KEEP are the caller's to free, ENVIRONMENT points into the
 * payload. */
bool setup_unpack(struct unpack *in, struct setup *setup);

#endif
